//! Who is in the world and how many of each: the parts in which the two sides agree, differ, and get in the way.

use crate::sandbox::prng::Prng;

/// How the two sides' records of one person or company in common relate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Relation {
    /// The same values, written in each side's own way.
    Same,
    /// They differ, and HubSpot's edit is later than everything in Salesforce.
    HubSpotNewer,
    /// They differ, and HubSpot's edit is older than the Salesforce record.
    SalesforceNewer,
    /// They differ, and the times decide nothing.
    Ambiguous,
    /// Salesforce lacks a value.
    BlankInSalesforce,
    /// HubSpot lacks a value.
    BlankInHubSpot,
    /// HubSpot holds a value that Salesforce refuses: a job title of more than 128 characters.
    TooLong,
    /// A telephone number nobody can dial, on one side.
    BadPhone,
    /// The Salesforce record breaks a validation rule that is younger than it is.
    BreaksRule,
    /// The record's owner works in one of the two systems only.
    Unowned,
    /// Salesforce has a second record with the same e-mail address or website.
    Doubled,
    /// An industry that the mapping does not list.
    UnlistedIndustry,
    /// The names differ: `Inc.` or not.
    Renamed,
}

/// How the records of one side alone are unusual.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Lone {
    /// An ordinary record that the other side should get.
    Plain,
    /// No e-mail address or website.
    NoKey,
    /// The same name on both sides with different e-mail addresses; each side has its own.
    Near,
    /// An address that the other side refuses.
    BadEmail,
    /// A value that the other side requires is missing, one is too long for it, or two break its validation rule.
    Refused,
    /// A telephone number nobody can dial.
    BadPhone,
    /// The record's owner does not work in the other system.
    Unowned,
    /// An industry that the mapping does not list.
    UnlistedIndustry,
}

/// Parts of ten thousand records of a side.
type Parts<T> = [(T, u32)];

/// Contacts in common: 6,000 of 10,000.
pub(super) const CONTACTS_IN_COMMON: &Parts<Relation> = &[
    (Relation::HubSpotNewer, 64),
    (Relation::SalesforceNewer, 64),
    (Relation::Ambiguous, 120),
    (Relation::BlankInSalesforce, 280),
    (Relation::BlankInHubSpot, 240),
    (Relation::TooLong, 10),
    (Relation::BadPhone, 16),
    (Relation::BreaksRule, 10),
    (Relation::Unowned, 10),
    (Relation::Doubled, 72),
];

/// Contacts of Salesforce alone, the second records of [`Relation::Doubled`] not counted.
pub(super) const SALESFORCE_CONTACTS: &Parts<Lone> = &[
    (Lone::NoKey, 80),
    (Lone::Near, 80),
    (Lone::BadEmail, 14),
    (Lone::BadPhone, 16),
    (Lone::Unowned, 10),
];

/// Contacts of HubSpot alone.
pub(super) const HUBSPOT_CONTACTS: &Parts<Lone> = &[
    (Lone::NoKey, 60),
    (Lone::Near, 80),
    (Lone::BadEmail, 10),
    (Lone::Refused, 36),
    (Lone::BadPhone, 10),
    (Lone::Unowned, 10),
];

/// Accounts and companies in common: 6,000 of 10,000.
pub(super) const ACCOUNTS_IN_COMMON: &Parts<Relation> = &[
    (Relation::HubSpotNewer, 60),
    (Relation::SalesforceNewer, 60),
    (Relation::Ambiguous, 100),
    (Relation::BlankInSalesforce, 300),
    (Relation::BlankInHubSpot, 300),
    (Relation::Renamed, 300),
    (Relation::Doubled, 50),
    (Relation::UnlistedIndustry, 40),
];

/// Accounts of Salesforce alone.
pub(super) const SALESFORCE_ACCOUNTS: &Parts<Lone> =
    &[(Lone::NoKey, 200), (Lone::UnlistedIndustry, 60)];

/// Companies of HubSpot alone.
pub(super) const HUBSPOT_COMPANIES: &Parts<Lone> =
    &[(Lone::NoKey, 150), (Lone::UnlistedIndustry, 60)];

/// `total` roles in random order: each part of ten thousand of `side` records, the rest `plain`. In a world of a
/// hundred or more every part is there at least once.
pub(super) fn deal<T: Copy>(
    prng: &mut Prng,
    parts: &Parts<T>,
    plain: T,
    side: usize,
    total: usize,
) -> Vec<T> {
    let mut roles = Vec::with_capacity(total);
    for (role, share) in parts {
        let wanted = (side * *share as usize + 5_000) / 10_000;
        let wanted = wanted.max(usize::from(side >= 100));
        for _ in 0..wanted.min(total - roles.len()) {
            roles.push(*role);
        }
    }
    roles.resize(total, plain);
    prng.shuffle(&mut roles);
    roles
}

/// How many records each group has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sizes {
    /// On both sides.
    pub(super) common: usize,
    /// On one side alone, for each side.
    pub(super) alone: usize,
}

impl Sizes {
    /// Sixty of a hundred in common.
    pub(super) fn of(side: usize) -> Self {
        let common = side * 6 / 10;
        Sizes {
            common,
            alone: side - common,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_worlds_have_every_role_and_no_more_records_than_asked() {
        let mut prng = Prng::stream(1, "cast");
        let roles = deal(&mut prng, CONTACTS_IN_COMMON, Relation::Same, 100, 60);
        assert_eq!(roles.len(), 60);
        for (role, _) in CONTACTS_IN_COMMON {
            assert!(roles.contains(role), "{role:?}");
        }
        let tiny = deal(&mut prng, CONTACTS_IN_COMMON, Relation::Same, 5, 3);
        assert_eq!(tiny, [Relation::Same; 3]);
        assert!(deal(&mut prng, SALESFORCE_CONTACTS, Lone::Plain, 0, 0).is_empty());
    }
}
