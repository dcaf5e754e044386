//! Histories that were found once, told by hand: what they show must not come back, however the drawing changes.

use syncline::domain::Side;

use crate::steps::{Cut, DeleteUpdate, Deletes, Leaves, On, Plot, Rule, Step};
use crate::world::play;

fn plot(people: &[On], firms: &[On]) -> Plot {
    Plot {
        rules: [Rule::Newest; 3],
        deletes: Deletes::Ignore,
        delete_update: DeleteUpdate::Ask,
        leaves: Leaves::Keep,
        people: people.to_vec(),
        firms: firms.to_vec(),
    }
}

#[test]
fn somebody_new_on_both_sides_is_linked() {
    let steps = [Step::Sync(Cut::None), Step::Enter(On::Both)];
    play(&plot(&[On::Both], &[]), &steps, None).unwrap();
}

#[test]
fn an_edit_of_a_record_that_was_deleted_a_moment_ago_may_still_travel() {
    let (side, who) = (Side::HubSpot, 0);
    let steps = [
        Step::Sync(Cut::None),
        Step::Wait(60),
        Step::Write {
            side,
            who,
            field: 1,
            clear: false,
        },
        Step::Delete { side, who },
        Step::Sync(Cut::None),
    ];
    play(&plot(&[On::Salesforce], &[]), &steps, None).unwrap();
}

#[test]
fn a_firm_that_went_with_a_deleted_contact_is_not_cleared_on_the_other_side() {
    let (side, who) = (Side::Salesforce, 0);
    let steps = [
        Step::Full,
        Step::Hire {
            side,
            who,
            firm: Some(0),
        },
        Step::Sync(Cut::None),
        Step::Delete {
            side: Side::HubSpot,
            who,
        },
        Step::Sync(Cut::None),
    ];
    play(&plot(&[On::Both], &[On::Both]), &steps, None).unwrap();
}
