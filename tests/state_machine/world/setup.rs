//! The config of a history, and the engine's rules out of it.

use std::time::Duration;

use syncline::engine::Rules;
use syncline::engine::guard::Share;

use crate::look::{AWAY, SCOPE};
use crate::steps::Plot;
use crate::support;
use crate::support::town::head;
use crate::weak::Weakness;

/// The mappings of a history.
fn config(plot: &Plot) -> String {
    let [title, city, firm] = plot.rules.map(|rule| rule.word());
    let (deletes, leaves) = (plot.deletes.word(), plot.leaves.word());
    let changed = plot.delete_update.word();
    format!(
        "{}\n[[mapping]]\nname = \"accounts\"\nsalesforce = {{ object = \"Account\" }}\nhubspot = {{ object = \"companies\" }}\nfields = [\n\
         {{ salesforce = \"Name\", hubspot = \"name\", match = true }},\n\
         {{ salesforce = \"BillingCity\", hubspot = \"city\", conflict = \"{firm}\" }},\n]\n\
         [[mapping]]\nname = \"contacts\"\nsalesforce = {{ object = \"Contact\", where = \"{SCOPE} != '{AWAY}'\" }}\nhubspot = {{ object = \"contacts\" }}\ndeletes = \"{deletes}\"\ndelete_update = \"{changed}\"\nleaves_scope = \"{leaves}\"\nfields = [\n\
         {{ salesforce = \"LastName\", hubspot = \"lastname\" }},\n\
         {{ salesforce = \"Email\", hubspot = \"email\", match = true }},\n\
         {{ salesforce = \"Title\", hubspot = \"jobtitle\", conflict = \"{title}\" }},\n\
         {{ salesforce = \"MailingCity\", hubspot = \"city\", conflict = \"{city}\" }},\n\
         {{ salesforce = \"AccountId\", hubspot = \"company\", link = \"accounts\" }},\n]\n",
        head()
    )
}

/// The engine's rules.
pub fn rules(plot: &Plot, weakness: Option<Weakness>) -> Rules {
    let mut rules = support::rules(&support::config(&config(plot)));
    // Persons who edit in turns look like an oscillation; the simulation has the breaker.
    rules.settings.oscillation_writes = u32::MAX;
    // A world of eight is emptied with six deletions.
    rules.limits.max_deletes = Share::percent(10_000);
    // Nobody changes a schema here, and reading them is most of what a run costs.
    rules.settings.schema_refresh = Duration::from_secs(400 * 86_400);
    if let Some(weakness) = weakness {
        weakness.rules(&mut rules);
    }
    rules
}
