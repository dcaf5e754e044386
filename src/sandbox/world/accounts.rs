//! The companies of the world on both sides.

use super::cast::{
    ACCOUNTS_IN_COMMON, HUBSPOT_COMPANIES, Lone, Relation, SALESFORCE_ACCOUNTS, Sizes, deal,
};
use super::company::{Company, put};
use super::phones::Phone;
use super::times::Past;
use super::{Builder, Known, Pair, only, versions};
use crate::sandbox::ground::Ground;
use crate::sandbox::history::Values;

/// Industries of Salesforce that the starter mapping does not list.
const ODD_IN_SALESFORCE: [&str; 4] = ["Other", "Recreation", "Communications", "Engineering"];
/// Industries of HubSpot that the starter mapping does not list.
const ODD_IN_HUBSPOT: [&str; 4] = [
    "WINE_AND_SPIRITS",
    "GAMBLING_CASINOS",
    "MUSEUMS_AND_INSTITUTIONS",
    "VETERINARY",
];

/// What can differ between the two sides' records of one company: the Salesforce field and the HubSpot property.
const FEATURES: [(&str, &str); 4] = [
    ("Phone", "phone"),
    ("Industry", "industry"),
    ("NumberOfEmployees", "numberofemployees"),
    ("AnnualRevenue", "annualrevenue"),
];

/// One side's record of a company: the values it was made with, and those that an edit set later.
struct Draft {
    first: Values,
    later: Values,
}

impl<S: Ground, H: Ground> Builder<'_, S, H> {
    /// Plants `side` accounts and as many companies.
    pub(super) fn accounts(&mut self, side: usize) {
        let sizes = Sizes::of(side);
        let common = deal(
            &mut self.prng,
            ACCOUNTS_IN_COMMON,
            Relation::Same,
            side,
            sizes.common,
        );
        let doubles = common.iter().filter(|r| **r == Relation::Doubled).count();
        for relation in common {
            self.company_pair(relation);
        }
        let alone = sizes.alone.saturating_sub(doubles);
        for role in deal(
            &mut self.prng,
            SALESFORCE_ACCOUNTS,
            Lone::Plain,
            side,
            alone,
        ) {
            self.company_alone(role, true);
        }
        for role in deal(
            &mut self.prng,
            HUBSPOT_COMPANIES,
            Lone::Plain,
            side,
            sizes.alone,
        ) {
            self.company_alone(role, false);
        }
    }

    fn company_pair(&mut self, relation: Relation) {
        let mut company = self.founder.found(&mut self.prng, &self.lists);
        let (field, property) = FEATURES[self.prng.below(FEATURES.len())];
        self.ensure(&mut company, field);
        let mut s = self.account_draft(&company);
        let mut h = self.company_draft(&company);
        let other = self.changed(&company, field);
        match relation {
            Relation::HubSpotNewer => {
                h.later = only(&other.company(&mut self.prng, &self.lists), &[property]);
            }
            Relation::SalesforceNewer => {
                s.first
                    .extend(only(&other.account(&mut self.prng, &self.lists), &[field]));
            }
            Relation::Ambiguous => {
                s.later = only(&other.account(&mut self.prng, &self.lists), &[field]);
            }
            Relation::BlankInSalesforce => drop(s.first.remove(field)),
            Relation::BlankInHubSpot => drop(h.first.remove(property)),
            Relation::Renamed => {
                let name = match company.name == company.short {
                    true => format!("{} Group", company.short),
                    false => company.short.clone(),
                };
                put(&mut h.first, "name", &name);
            }
            Relation::UnlistedIndustry => {
                put(&mut s.first, "Industry", self.prng.word(&ODD_IN_SALESFORCE));
                put(&mut h.first, "industry", self.prng.word(&ODD_IN_HUBSPOT));
            }
            _ => {}
        }
        let (s_past, h_past) = self.calendar.pair(&mut self.prng, relation);
        let salesforce = self.plant_account(s, s_past);
        let hubspot = self.plant_company(h, h_past);
        if relation == Relation::Doubled {
            let past = self.calendar.ordinary(&mut self.prng);
            let mut draft = self.account_draft(&company);
            put(&mut draft.first, "Name", &company.name.to_uppercase());
            self.plant_account(draft, past);
        } else {
            self.truth.accounts.push(Pair {
                salesforce: salesforce.clone(),
                hubspot: hubspot.clone(),
            });
        }
        self.companies.push(Known {
            company,
            salesforce: Some(salesforce),
            hubspot: Some(hubspot),
        });
    }

    fn company_alone(&mut self, role: Lone, in_salesforce: bool) {
        let mut company = self.founder.found(&mut self.prng, &self.lists);
        if role == Lone::NoKey {
            company.domain = None;
        }
        let past = self.calendar.ordinary(&mut self.prng);
        let (mut salesforce, mut hubspot) = (None, None);
        if in_salesforce {
            let mut draft = self.account_draft(&company);
            if role == Lone::UnlistedIndustry {
                put(
                    &mut draft.first,
                    "Industry",
                    self.prng.word(&ODD_IN_SALESFORCE),
                );
            }
            salesforce = Some(self.plant_account(draft, past));
        } else {
            let mut draft = self.company_draft(&company);
            if role == Lone::UnlistedIndustry {
                put(
                    &mut draft.first,
                    "industry",
                    self.prng.word(&ODD_IN_HUBSPOT),
                );
            }
            hubspot = Some(self.plant_company(draft, past));
        }
        self.companies.push(Known {
            company,
            salesforce,
            hubspot,
        });
    }

    /// Makes sure that the company has a value for the Salesforce field.
    fn ensure(&mut self, company: &mut Company, field: &str) {
        let blank = match field {
            "Phone" => company.phone.is_none(),
            "Industry" => company.industry.is_none(),
            "NumberOfEmployees" => company.employees.is_none(),
            _ => company.revenue.is_none(),
        };
        if blank {
            *company = self.changed(company, field);
        }
    }

    /// The company with another value for the Salesforce field.
    fn changed(&mut self, company: &Company, field: &str) -> Company {
        let mut other = company.clone();
        match field {
            "Phone" => {
                let towns = &self.lists.locale(company.locale).towns;
                let area = self.prng.pick(towns).map_or("", |town| town.area);
                other.phone = Some(Phone::fixed(&mut self.prng, company.locale, area));
            }
            "Industry" => {
                let count = self.lists.industries.len();
                let step = 1 + self.prng.below(count - 1);
                other.industry = Some((company.industry.unwrap_or(0) + step) % count);
            }
            "NumberOfEmployees" => {
                other.employees = Some(company.employees.unwrap_or(10) + self.prng.between(1, 90));
            }
            _ => {
                let more = self.prng.between(1, 900) * 1000;
                other.revenue = Some(company.revenue.unwrap_or(1_000_000) + more);
            }
        }
        other
    }

    fn account_draft(&mut self, company: &Company) -> Draft {
        let mut first = company.account(&mut self.prng, &self.lists);
        let owner = self.prng.pick(&self.shared).copied();
        if let Some(user) = self.user(owner) {
            put(&mut first, "OwnerId", user);
        }
        Draft {
            first,
            later: Values::new(),
        }
    }

    fn company_draft(&mut self, company: &Company) -> Draft {
        let first = company.company(&mut self.prng, &self.lists);
        Draft {
            first,
            later: Values::new(),
        }
    }

    fn plant_account(&mut self, draft: Draft, past: Past) -> String {
        let versions = versions(past, draft.first, draft.later);
        self.salesforce.seed("Account", versions)
    }

    fn plant_company(&mut self, draft: Draft, past: Past) -> String {
        let versions = versions(past, draft.first, draft.later);
        self.hubspot.seed("companies", versions)
    }
}
