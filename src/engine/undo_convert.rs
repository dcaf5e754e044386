//! Undo and links that others took over from (docs/design/sync-semantics.md 12.2, 13, 19.1). Nobody can take a conversion back,
//! and a converted Lead takes no values: its link stays with the Contact, and what older runs wrote under the Lead's link stays
//! as it is. So does a record that another link has by now, for what goes back there would travel to a record that the run never
//! touched.

use std::collections::BTreeMap;

use super::context::EngineError;
use super::group;
use super::undo::Undoing;
use super::undo_read::Pair;
use crate::domain::{Link, LinkId, LinkState, Mapping, Op, OpState, RecordId, Side};

/// Why nothing of a link that went over is put back.
const WENT_OVER: &str = "its Lead was converted since, and its link is the Contact's now";

/// Why nothing of a record that was linked anew is put back.
const ANOTHERS: &str = "another link has this record by now";

impl Undoing<'_, '_> {
    /// What the run did under links that another one has taken over from is left: a later run has touched them.
    pub(super) async fn given_up(
        &mut self,
        mapping: &Mapping,
        pairs: &mut BTreeMap<LinkId, Pair>,
    ) -> Result<(), EngineError> {
        let ids: Vec<LinkId> = pairs.keys().copied().collect();
        let links = self.ctx.engine.db.links(&mapping.id, &ids).await?;
        for link in links.into_iter().flatten() {
            if !matches!(link.state, LinkState::Superseded(_)) {
                continue;
            }
            for side in Side::BOTH {
                let touched = pairs
                    .get_mut(&link.id)
                    .and_then(|pair| pair.get_mut(side).as_mut());
                if let Some(touched) = touched {
                    touched.never = Some(WENT_OVER);
                }
            }
        }
        self.linked_anew(mapping, pairs).await
    }

    /// A link that ended may have given way to another one of its record (12.2, 12.6), in the mapping or in its group.
    async fn linked_anew(
        &self,
        mapping: &Mapping,
        pairs: &mut BTreeMap<LinkId, Pair>,
    ) -> Result<(), EngineError> {
        for side in Side::BOTH {
            let touched = pairs.iter_mut().filter_map(|(link, pair)| {
                let touched = pair.get_mut(side).as_mut()?;
                (!touched.id.0.is_empty()).then_some((*link, touched))
            });
            let touched: Vec<_> = touched.collect();
            let ids: Vec<RecordId> = touched.iter().map(|(_, one)| one.id.clone()).collect();
            let holders = group::holders(self.ctx.engine, mapping, side, &ids).await?;
            for ((link, touched), holder) in touched.into_iter().zip(holders) {
                if holder.is_some_and(|holder| holder != link) {
                    touched.never.get_or_insert(ANOTHERS);
                }
            }
        }
        Ok(())
    }

    /// In place of the links of converted Leads whose record an undo took back those that their Contacts have now: what was
    /// taken back is let go there.
    pub(super) async fn taken_over(
        &self,
        mut links: Vec<Option<Link>>,
    ) -> Result<Vec<Option<Link>>, EngineError> {
        for slot in &mut links {
            let Some(LinkState::Superseded(by)) = slot.as_ref().map(|link| &link.state) else {
                continue;
            };
            let own = self.ctx.engine.db.links(&by.mapping, &[by.link]).await?;
            let taken_back = |link: &Link| matches!(link.state, LinkState::TakenBack(_));
            if let Some(own) = own.into_iter().flatten().find(taken_back) {
                *slot = Some(own);
            }
        }
        Ok(links)
    }

    /// Names the links that the run took over from converted Leads: they stay.
    pub(super) async fn stay_converted(&mut self, mapping: &Mapping) -> Result<(), EngineError> {
        let own = |op: &mut Op| op.mapping == mapping.id;
        let relinked: Vec<Op> = self.done.relinked.extract_if(.., own).collect();
        let ids: Vec<LinkId> = relinked.iter().map(|op| op.link).collect();
        let links = self.ctx.engine.db.links(&mapping.id, &ids).await?;
        let mut left = Vec::new();
        for (op, link) in relinked.into_iter().zip(links) {
            let taken_over =
                link.is_some_and(|link| link.created_by == crate::domain::CreatedBy::Relinked);
            if !taken_over {
                continue;
            }
            let why = op.outcome.why.unwrap_or_default();
            let mut stays = Op::planned(
                self.ctx.run,
                mapping,
                op.link,
                op.side,
                op.kind,
                BTreeMap::new(),
                0,
            );
            (stays.target, stays.source) = (op.target, op.source);
            stays.state = OpState::Skipped;
            stays.outcome.why = Some(format!(
                "{why}, which nobody can take back; the link stays with the Contact"
            ));
            left.push(stays);
        }
        self.leave(mapping, left).await
    }
}
