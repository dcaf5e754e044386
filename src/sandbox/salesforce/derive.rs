//! Values that follow from others: the stage's consequences on an opportunity, closed tasks, responding members
//! (docs/vendor/salesforce.md 6.6, 6.7).

/// What a stage brings: name, probability, forecast category, closed, won.
const STAGES: &[(&str, &str, &str, bool, bool)] = &[
    ("Prospecting", "10", "Pipeline", false, false),
    ("Qualification", "10", "Pipeline", false, false),
    ("Needs Analysis", "20", "Pipeline", false, false),
    ("Value Proposition", "50", "Pipeline", false, false),
    ("Id. Decision Makers", "60", "Pipeline", false, false),
    ("Perception Analysis", "70", "Pipeline", false, false),
    ("Proposal/Price Quote", "75", "Pipeline", false, false),
    ("Negotiation/Review", "90", "Pipeline", false, false),
    ("Closed Won", "100", "Closed", true, true),
    ("Closed Lost", "0", "Omitted", true, false),
];

/// What follows from setting `field` of `object` to `value`: field, value, and whether a value sent along wins.
pub fn derived(object: &str, field: &str, value: &str) -> Vec<(&'static str, String, bool)> {
    match (object, field) {
        ("Opportunity", "StageName") => STAGES
            .iter()
            .find(|(name, ..)| *name == value)
            .map(|(_, probability, forecast, closed, won)| {
                vec![
                    ("Probability", (*probability).to_owned(), true),
                    ("ForecastCategoryName", (*forecast).to_owned(), true),
                    ("IsClosed", closed.to_string(), false),
                    ("IsWon", won.to_string(), false),
                ]
            })
            .unwrap_or_default(),
        ("Task", "Status") => vec![("IsClosed", (value == "Completed").to_string(), false)],
        ("CampaignMember", "Status") => {
            vec![("HasResponded", (value == "Responded").to_string(), false)]
        }
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::derived;
    use crate::sandbox::salesforce::tests::{get, org, patch, post};
    use serde_json::json;

    #[test]
    fn every_stage_of_the_picklist_has_its_consequences() {
        for stage in crate::sandbox::salesforce::schema::STAGE {
            assert_eq!(
                derived("Opportunity", "StageName", stage).len(),
                4,
                "{stage}"
            );
        }
        assert!(derived("Opportunity", "StageName", "Made up").is_empty());
        assert!(derived("Contact", "Title", "CTO").is_empty());
    }

    #[test]
    fn a_stage_resets_the_probability_unless_one_is_sent_along() {
        let mut org = org();
        let body = json!({"Name": "Deal", "StageName": "Prospecting", "CloseDate": "2026-12-01", "Probability": 33});
        let id = post(&mut org, "/sobjects/Opportunity", body).1["id"]
            .as_str()
            .unwrap()
            .to_owned();
        let path = format!("/sobjects/Opportunity/{id}");
        assert_eq!(get(&mut org, &path).1["Probability"], 33);
        patch(&mut org, &path, json!({"StageName": "closed won"}));
        let row = get(&mut org, &path).1;
        assert_eq!(
            [&row["Probability"], &row["IsClosed"], &row["IsWon"]],
            [&json!(100), &json!(true), &json!(true)]
        );
        assert_eq!(row["ForecastCategoryName"], "Closed");
    }
}
