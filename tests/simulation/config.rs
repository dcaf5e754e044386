//! The config of a story, and the engine's rules out of it.

use syncline::domain::BlankPolicy;
use syncline::engine::Rules;

use crate::admin::REGION;
use crate::clubs;
use crate::leads;
use crate::people::{AWAY, FIELDS, PLAIN, SCOPE, STREET};
use crate::story::Story;
use crate::support;
use crate::support::town::head;

/// The mappings of a story.
pub fn config(story: &Story) -> String {
    let mut text = head();
    if story.firms {
        text.push_str(&accounts(story));
    }
    let scope = match story.leaves {
        "" => String::new(),
        _ => format!(", where = \"{} != '{AWAY}'\"", SCOPE),
    };
    text.push_str(&format!(
        "[[mapping]]\nname = \"contacts\"\nsalesforce = {{ object = \"Contact\"{scope} }}\nhubspot = {{ object = \"contacts\" }}\n\
         deletes = \"{}\"\ndelete_update = \"{}\"\n",
        story.deletes, story.delete_update
    ));
    if !story.leaves.is_empty() {
        text.push_str(&format!("leaves_scope = \"{}\"\n", story.leaves));
    }
    text.push_str("fields = [\n");
    text.push_str("{ salesforce = \"LastName\", hubspot = \"lastname\" },\n");
    text.push_str(&plain(story, FIELDS.map(|(field, _)| field)));
    if story.regions {
        let (field, property) = REGION;
        text.push_str(&format!(
            "{{ salesforce = \"{field}\", hubspot = \"{property}\" }},\n"
        ));
    }
    if story.firms {
        text.push_str(
            "{ salesforce = \"AccountId\", hubspot = \"company\", link = \"accounts\" },\n",
        );
    }
    if story.firms && story.sets {
        text.push_str(&format!(
            "{{ salesforce = \"{}\", hubspot = \"{}\", link = \"accounts\", mode = \"set\" }},\n",
            clubs::ROWS,
            clubs::FIRMS[1]
        ));
    }
    text.push_str("]\n");
    if story.leads > 0 {
        text.push_str(&leads::mapping(story));
    }
    text
}

/// The mapping of firms.
fn accounts(story: &Story) -> String {
    let (scope, leaves) = match story.firms_leave {
        "" => (String::new(), String::new()),
        rule => (
            format!(", where = \"{} != '{}'\"", clubs::SCOPE, clubs::AWAY),
            format!("leaves_scope = \"{rule}\"\n"),
        ),
    };
    format!(
        "[[mapping]]\nname = \"accounts\"\nsalesforce = {{ object = \"Account\"{scope} }}\nhubspot = {{ object = \"companies\" }}\n{leaves}fields = [\n\
         {{ salesforce = \"Name\", hubspot = \"name\" }},\n\
         {{ salesforce = \"Website\", hubspot = \"domain\", transform = \"extract_domain\", match = true }},\n]\n"
    )
}

/// The pairs of the address and of the plain fields, by what the Salesforce object calls them.
pub fn plain(story: &Story, names: [&str; 6]) -> String {
    let mut text = format!(
        "{{ salesforce = \"{}\", hubspot = \"email\", transform = \"lowercase\", match = true, conflict = \"salesforce\" }},\n",
        names[PLAIN]
    );
    for (at, (_, property)) in FIELDS.into_iter().take(PLAIN).enumerate() {
        let way = match story.one_way && at == STREET {
            true => ", direction = \"to_hubspot\"",
            false => "",
        };
        let (field, rule) = (names[at], story.rules[at]);
        text.push_str(&format!(
            "{{ salesforce = \"{field}\", hubspot = \"{property}\", conflict = \"{rule}\"{way} }},\n"
        ));
    }
    text
}

/// The engine's rules of a story; what the config file has no key for yet is set by hand.
pub fn rules(story: &Story) -> Rules {
    let mut rules = support::rules(&support::config(&config(story)));
    if story.keep_values {
        for mapping in &mut rules.mappings {
            for pair in &mut mapping.pairs {
                pair.blanks = BlankPolicy::PreferNonBlank;
            }
        }
    }
    rules
}
