//! What can happen in a history, and in which worlds: the part that is drawn and that shrinks. Records are named by numbers that
//! are taken modulo what there is, so that any list of steps is a history.

use proptest::prelude::*;
use proptest_state_machine::ReferenceStateMachine;
use syncline::domain::Side;

/// On which sides a record is entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum On {
    Salesforce,
    HubSpot,
    Both,
}

impl On {
    pub fn sides(self) -> &'static [Side] {
        match self {
            On::Salesforce => &[Side::Salesforce],
            On::HubSpot => &[Side::HubSpot],
            On::Both => &Side::BOTH,
        }
    }
}

/// How a run is cut off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// It is not.
    None,
    /// The process dies at that crossing of a seam; of the batches that were not durable so many survive.
    Dies { crossing: u32, keeps: u8 },
    /// The operator stops it at that request.
    Stops { request: u32 },
}

/// One thing that somebody does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// A person writes a value that nobody wrote before, or clears the field.
    Write {
        side: Side,
        who: usize,
        field: usize,
        clear: bool,
    },
    /// A person moves somebody to another firm, or to none.
    Hire {
        side: Side,
        who: usize,
        firm: Option<usize>,
    },
    /// Somebody new.
    Enter(On),
    /// A new firm.
    Found(On),
    /// Time passes.
    Wait(u32),
    /// HubSpot's index runs so many seconds behind from now on.
    Lag(u32),
    /// A run of the schedule.
    Sync(Cut),
    /// A run that reads everything.
    Full,
    /// A person deletes somebody.
    Delete { side: Side, who: usize },
    /// A person takes back one of those deletions.
    Restore { pick: usize },
    /// The operator decides one of the open conflicts.
    Resolve { pick: usize, how: u8 },
    /// The operator takes back the last run but so many.
    Undo { back: usize },
    /// A person merges somebody's record into another one.
    Merge {
        side: Side,
        winner: usize,
        loser: usize,
    },
    /// A person takes somebody out of the scope, or back into it.
    Scope { who: usize, away: bool },
    /// The operator changes what decides about a field.
    Config { field: usize, rule: Rule },
    /// The store is copied.
    BackUp,
    /// The copy takes the place of the store.
    Recall,
}

/// What decides when both sides changed a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    Newest,
    Salesforce,
    HubSpot,
    Ask,
}

impl Rule {
    /// Its word in the config file.
    pub fn word(self) -> &'static str {
        match self {
            Rule::Newest => "last_write_wins",
            Rule::Salesforce => "salesforce",
            Rule::HubSpot => "hubspot",
            Rule::Ask => "ask",
        }
    }
}

/// What a deletion on one side does on the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deletes {
    Ignore,
    Archive,
}

impl Deletes {
    /// Its word in the config file.
    pub fn word(self) -> &'static str {
        match self {
            Deletes::Ignore => "ignore",
            Deletes::Archive => "archive",
        }
    }
}

/// What becomes of a deletion where the other side was changed since.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeleteUpdate {
    Ask,
    DeleteWins,
    UpdateWins,
}

impl DeleteUpdate {
    /// Its word in the config file.
    pub fn word(self) -> &'static str {
        match self {
            DeleteUpdate::Ask => "ask",
            DeleteUpdate::DeleteWins => "delete_wins",
            DeleteUpdate::UpdateWins => "update_wins",
        }
    }
}

/// What becomes of the link of somebody who leaves the scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leaves {
    Keep,
    Freeze,
    Unlink,
}

impl Leaves {
    /// Its word in the config file.
    pub fn word(self) -> &'static str {
        match self {
            Leaves::Keep => "keep",
            Leaves::Freeze => "freeze",
            Leaves::Unlink => "unlink",
        }
    }
}

/// The world at the beginning, and how many there are by now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plot {
    /// The rules of a person's title and city, and of a firm's city.
    pub rules: [Rule; 3],
    /// Of persons.
    pub deletes: Deletes,
    /// Of persons.
    pub delete_update: DeleteUpdate,
    /// Of persons.
    pub leaves: Leaves,
    pub people: Vec<On>,
    pub firms: Vec<On>,
}

/// No world has more persons and firms than this.
const ROOM: usize = 8;

fn on() -> impl Strategy<Value = On> {
    prop_oneof![3 => Just(On::Both), 1 => Just(On::Salesforce), 1 => Just(On::HubSpot)]
}

fn side() -> impl Strategy<Value = Side> {
    prop_oneof![Just(Side::Salesforce), Just(Side::HubSpot)]
}

fn rule() -> impl Strategy<Value = Rule> {
    prop_oneof![
        Just(Rule::Newest),
        Just(Rule::Salesforce),
        Just(Rule::HubSpot),
        Just(Rule::Ask)
    ]
}

fn cut() -> impl Strategy<Value = Cut> {
    prop_oneof![
        6 => Just(Cut::None),
        2 => (1..90_u32, 0..4_u8).prop_map(|(crossing, keeps)| Cut::Dies { crossing, keeps }),
        1 => (1..25_u32).prop_map(|request| Cut::Stops { request }),
    ]
}

/// The history as it is drawn.
pub struct Histories;

impl ReferenceStateMachine for Histories {
    type State = Plot;
    type Transition = Step;

    fn init_state() -> BoxedStrategy<Plot> {
        let people = prop::collection::vec(on(), 1..4);
        let firms = prop::collection::vec(on(), 0..3);
        let deletes = prop_oneof![Just(Deletes::Ignore), Just(Deletes::Archive)];
        let delete_update = prop_oneof![
            Just(DeleteUpdate::Ask),
            Just(DeleteUpdate::DeleteWins),
            Just(DeleteUpdate::UpdateWins)
        ];
        let leaves = prop_oneof![
            Just(Leaves::Freeze),
            Just(Leaves::Unlink),
            Just(Leaves::Keep)
        ];
        let policies = (deletes, delete_update, leaves);
        ([rule(), rule(), rule()], policies, people, firms)
            .prop_map(|(rules, policies, people, firms)| Plot {
                rules,
                deletes: policies.0,
                delete_update: policies.1,
                leaves: policies.2,
                people,
                firms,
            })
            .boxed()
    }

    fn transitions(_: &Plot) -> BoxedStrategy<Step> {
        let firm = prop_oneof![3 => (0..3_usize).prop_map(Some), 1 => Just(None)];
        prop_oneof![
            10 => (side(), 0..5_usize, 0..3_usize, prop::bool::weighted(0.15)).prop_map(
                |(side, who, field, clear)| Step::Write { side, who, field, clear }
            ),
            3 => (side(), 0..5_usize, firm)
                .prop_map(|(side, who, firm)| Step::Hire { side, who, firm }),
            2 => on().prop_map(Step::Enter),
            1 => on().prop_map(Step::Found),
            2 => prop_oneof![
                3 => 1..40_u32,
                2 => 40..300_u32,
                1 => Just(3_600_u32),
                1 => Just(15 * 86_400_u32),
            ].prop_map(Step::Wait),
            9 => cut().prop_map(Step::Sync),
            1 => prop_oneof![Just(2_u32), Just(60), Just(300)].prop_map(Step::Lag),
            1 => Just(Step::Full),
            1 => (side(), 0..5_usize).prop_map(|(side, who)| Step::Delete { side, who }),
            1 => (0..3_usize).prop_map(|pick| Step::Restore { pick }),
            3 => (0..4_usize, 0..5_u8).prop_map(|(pick, how)| Step::Resolve { pick, how }),
            2 => (0..3_usize).prop_map(|back| Step::Undo { back }),
            1 => (side(), 0..5_usize, 0..5_usize)
                .prop_map(|(side, winner, loser)| Step::Merge { side, winner, loser }),
            2 => (0..4_usize, prop::bool::ANY).prop_map(|(who, away)| Step::Scope { who, away }),
            1 => (0..3_usize, rule()).prop_map(|(field, rule)| Step::Config { field, rule }),
            1 => prop_oneof![Just(Step::BackUp), Just(Step::Recall)],
        ]
        .boxed()
    }

    fn apply(mut plot: Plot, step: &Step) -> Plot {
        match step {
            Step::Enter(on) => plot.people.push(*on),
            Step::Found(on) => plot.firms.push(*on),
            _ => {}
        }
        plot
    }

    fn preconditions(plot: &Plot, step: &Step) -> bool {
        let grows = matches!(step, Step::Enter(_) | Step::Found(_));
        !grows || plot.people.len() + plot.firms.len() < ROOM
    }
}
