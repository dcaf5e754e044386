//! Histories that were found once, told by hand: what they show must not come back, however the drawing changes.

use crate::steps::{Cut, Deletes, On, Plot, Rule, Step};
use crate::world::play;

fn plot(people: &[On], firms: &[On]) -> Plot {
    Plot {
        rules: [Rule::Newest; 3],
        deletes: Deletes::Ignore,
        people: people.to_vec(),
        firms: firms.to_vec(),
    }
}

#[test]
fn somebody_new_on_both_sides_is_linked() {
    let steps = [Step::Sync(Cut::None), Step::Enter(On::Both)];
    play(&plot(&[On::Both], &[]), &steps, None).unwrap();
}
