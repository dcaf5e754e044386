//! One link of which a record is gone, with all that is known of it, and what follows for it
//! (docs/design/sync-semantics.md 12.1, 12.2).

use chrono::{DateTime, Utc};

use super::context::EngineError;
use super::db::Waiting;
use super::gone_items as items;
use super::gone_rules::{Facts, Policy, There, Verdict, changed_pairs, decide};
use super::link_plan::is_silence;
use super::run_ctx::{Mode, RunCtx};
use crate::domain::{
    Base, Choice, Conflict, Departed, ErrorItem, Evidence, ItemState, Link, LinkId, LinkState,
    Mapping, Observation, PerSide, Presence, Side,
};
use crate::store::rows::Dirty;

/// A link of which a record is gone, or was.
#[derive(Clone, Debug)]
pub(super) struct Case {
    pub(super) link: Link,
    pub(super) seen: PerSide<Option<Observation>>,
    pub(super) base: Base,
    /// Open conflicts and review items.
    pub(super) items: Vec<Conflict>,
    pub(super) errors: Vec<ErrorItem>,
    /// Why each record is to be looked at.
    pub(super) marks: PerSide<u16>,
    /// Pairs whose value on a side is nobody's change: an association that went with the record at its other end, or what was
    /// never settled and names nobody that the other side knows, or the one that was named there too.
    pub(super) inert: PerSide<Vec<String>>,
}

impl Case {
    /// A name for people.
    pub(super) fn label(&self) -> String {
        let named = |side: &Side| {
            let seen = self.seen.get(*side).as_ref()?;
            (!seen.fields.is_empty()).then(|| seen.label())
        };
        let mut names = Side::BOTH.iter().filter_map(named);
        let id = || {
            Side::BOTH
                .iter()
                .find_map(|side| self.link.ids.get(*side).clone())
        };
        names
            .next()
            .unwrap_or_else(|| id().map_or_else(|| self.link.id.short(), |id| id.0))
    }

    /// What a person chose for the link as a whole.
    pub(super) fn choice(&self) -> Option<&Choice> {
        let draft = self
            .items
            .iter()
            .find(|item| item.state == ItemState::Draft && items::is_about_the_link(item.kind));
        draft?.resolution.as_ref().map(|chosen| &chosen.choice)
    }

    /// A person confirmed that a record which nothing answers for was deleted (12.1). That says nothing about the other one.
    pub(super) fn confirmed(&self, side: Side) -> bool {
        let silent = |seen: &Observation| seen.presence == Presence::Inaccessible;
        self.link.state == LinkState::Active
            && self.seen.get(side).as_ref().is_some_and(silent)
            && self.choice() == Some(&Choice::Accept)
    }

    /// The error that tells of the link's own record on that side: it did not answer when it was read last.
    pub(super) fn silence(&self, side: Side) -> Option<&ErrorItem> {
        let own = self.link.ids.get(side).as_ref();
        let of_own = |item: &&ErrorItem| is_silence(item, side) && Some(&item.record.id) == own;
        self.errors.iter().find(of_own)
    }

    /// True where a record of a link in step did not answer when it was read last.
    pub(super) fn was_silent(&self) -> bool {
        let silent = |side: &Side| self.silence(*side).is_some();
        self.link.state == LinkState::Active && Side::BOTH.iter().any(silent)
    }

    /// Takes what was read of that side's record. What was seen deleted once may be purged by now: that it does not answer any
    /// more takes nothing back.
    pub(super) fn see(&mut self, side: Side, found: Option<Observation>) {
        let seen = self.seen.get_mut(side);
        let purged = |found: &Observation| found.presence == Presence::Inaccessible;
        let deleted = |seen: &Observation| seen.presence == Presence::Deleted;
        if !(seen.as_ref().is_some_and(deleted) && found.as_ref().is_some_and(purged)) {
            *seen = found;
        }
    }

    /// True where something is known of that side's record.
    fn is_heard(&self, side: Side) -> bool {
        let seen = self.seen.get(side).as_ref();
        seen.is_some_and(|seen| seen.presence != Presence::Inaccessible)
    }

    /// True where one record is gone and the other one, which did not answer, is not asked now: its time has not come, or this
    /// is an estimate, which asks nobody.
    pub(super) fn awaits_an_answer(&self, mode: Mode, now: DateTime<Utc>) -> bool {
        let asked = |item: &ErrorItem| item.retry_at.is_some_and(|due| due <= now);
        let silent = |side: &Side| {
            let error = self.silence(*side).filter(|_| !self.is_heard(*side));
            error.is_some_and(|item| mode == Mode::Estimate || !asked(item))
        };
        let mut sides = Side::BOTH.into_iter();
        self.link.state == LinkState::Active
            && sides.any(|side| silent(&side) && self.is_gone(side.other()))
    }

    /// True where the record of that side is proven to be deleted.
    pub(super) fn is_gone(&self, side: Side) -> bool {
        matches!(self.there(side), There::Gone(_))
    }

    fn there(&self, side: Side) -> There {
        let known = match &self.link.state {
            LinkState::Deleted(departed) => *departed.gone.get(side),
            _ => false,
        };
        let evidence = match side {
            Side::Salesforce => Evidence::Row,
            Side::HubSpot => Evidence::Archived,
        };
        match self.seen.get(side).as_ref().map(|seen| &seen.presence) {
            None if known => There::Gone(evidence),
            None | Some(Presence::Live) => There::Live,
            Some(Presence::Deleted) => There::Gone(evidence),
            Some(Presence::MergedInto(_)) => There::Merged,
            Some(Presence::Converted(_)) => There::Converted,
            // What was seen deleted once may be purged by now.
            Some(Presence::Inaccessible)
                if known && (self.choice().is_some() || self.departed().due) =>
            {
                There::Gone(Evidence::Person)
            }
            Some(Presence::Inaccessible) if self.confirmed(side) => There::Gone(Evidence::Person),
            Some(Presence::Inaccessible) => There::Silent,
        }
    }

    /// Names of the pairs that changed on a side since the base and could travel.
    pub(super) fn changed<'m>(&self, mapping: &'m Mapping, side: Side) -> Vec<&'m str> {
        let seen = self.seen.get(side).as_ref();
        let gone = self.seen.get(side.other()).as_ref();
        let mut changed = seen
            .filter(|seen| seen.presence == Presence::Live)
            .map_or_else(Vec::new, |seen| {
                changed_pairs(mapping, &self.base, seen, gone)
            });
        changed.retain(|name| !self.inert.get(side).iter().any(|inert| inert == name));
        changed
    }

    pub(super) fn verdict(&self, mapping: &Mapping) -> Verdict {
        let confirmed = Side::BOTH.into_iter().any(|side| self.confirmed(side));
        decide(&Facts {
            state: &self.link.state,
            there: PerSide::from_fn(|side| self.there(side)),
            changed: PerSide::from_fn(|side| !self.changed(mapping, side).is_empty()),
            policy: Policy::of(mapping),
            choice: self.choice().filter(|_| !confirmed),
            unfinished: !self.errors.is_empty(),
        })
    }

    /// Why a record of the link is to be looked at.
    pub(super) fn marked(&self, side: Side) -> u16 {
        *self.marks.get(side)
    }

    /// True where this run read a record of the link as one that is there.
    pub(super) fn was_read(&self) -> bool {
        let read = |side: &Side| *self.marks.get(*side) & Dirty::CHANGED != 0;
        Side::BOTH.iter().any(read)
    }

    pub(super) fn is_merged(&self) -> bool {
        let merged = |side: &Side| self.there(*side) == There::Merged;
        self.choice().is_none() && Side::BOTH.iter().any(merged)
    }

    pub(super) fn departed(&self) -> Departed {
        match &self.link.state {
            LinkState::Deleted(departed) => *departed,
            _ => Departed::default(),
        }
    }
}

/// What is stored about links.
pub(super) async fn cases(
    ctx: &RunCtx<'_>,
    mapping: &Mapping,
    links: Vec<Link>,
) -> Result<Vec<Case>, EngineError> {
    let db = &ctx.engine.db;
    let keys: Vec<LinkId> = links.iter().map(|link| link.id).collect();
    let bases = db.bases(&mapping.id, &keys).await?;
    let mut found = Vec::with_capacity(links.len());
    for (link, base) in links.into_iter().zip(bases) {
        let (mut seen, mut marks) = (PerSide::default(), PerSide::<u16>::default());
        for side in Side::BOTH {
            let Some(id) = link.ids.get(side) else {
                continue;
            };
            let ids = std::slice::from_ref(id);
            let stored = db.observations(side, mapping.object(side), ids).await?;
            *seen.get_mut(side) = stored.into_iter().flatten().next();
            *marks.get_mut(side) = db.marks(&mapping.id, side, id).await?;
        }
        let (mut conflicts, mut errors) = (Vec::new(), Vec::new());
        for item in db.waiting(link.id.0).await? {
            match item {
                Waiting::Conflict(item) => conflicts.push(item),
                Waiting::Error(item) => errors.push(item),
            }
        }
        found.push(Case {
            link,
            seen,
            base,
            items: conflicts,
            errors,
            marks,
            inert: PerSide::default(),
        });
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::CreatedBy;
    use crate::engine::testkit::{seen, sides};

    #[test]
    fn what_was_seen_deleted_stays_so_when_it_is_purged_and_not_when_it_is_there_again() {
        let side = Side::Salesforce;
        let one = |presence: Presence| Observation {
            presence,
            ..seen(side, &[])
        };
        use Presence::{Deleted, Inaccessible, Live};
        for (before, now, gone) in [
            (Some(Deleted), Inaccessible, true),
            (Some(Deleted), Live, false),
            (Some(Live), Inaccessible, false),
            (Some(Live), Deleted, true),
            (None, Inaccessible, false),
        ] {
            let mut case = Case {
                link: Link {
                    id: LinkId(1),
                    mapping: "contacts".into(),
                    ids: sides(Some("003".into()), Some("7".into())),
                    state: LinkState::Active,
                    created_by: CreatedBy::Matched,
                    created_at: DateTime::UNIX_EPOCH,
                    stamped: PerSide::default(),
                    former: PerSide::default(),
                    life: 0,
                    tomb: None,
                },
                seen: sides(before.clone().map(one), None),
                base: Base::default(),
                items: Vec::new(),
                errors: Vec::new(),
                marks: PerSide::default(),
                inert: PerSide::default(),
            };
            case.see(side, Some(one(now.clone())));
            assert_eq!(case.is_gone(side), gone, "{before:?} {now:?}");
        }
    }
}
