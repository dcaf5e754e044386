//! Paths: the two families, the API a path belongs to, and the template that statistics count it under
//! (`docs/vendor/hubspot.md` 1).

use crate::sandbox::http::Request;

/// An area of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Api {
    Objects,
    Associations,
    Properties,
    Pipelines,
    Owners,
    Schemas,
    Limits,
    Account,
    Validations,
    SecondaryEmail,
    OAuth,
    Unknown,
}

/// The path family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    /// `2026-09` and its like.
    Dated,
    /// `v1`, `v3`.
    Numbered,
    /// `v4`.
    V4,
}

/// A request's path, understood.
#[derive(Debug)]
pub(super) struct Route<'a> {
    pub api: Api,
    pub family: Family,
    /// The rules of 2026-09 hold.
    pub strict: bool,
    /// What follows the API's root.
    pub rest: Vec<&'a str>,
    /// `GET /crm/objects/2026-09/contacts/{id}`.
    pub template: String,
}

impl Route<'_> {
    /// A search: it has its own limit and no rate headers.
    pub(super) fn is_search(&self) -> bool {
        self.api == Api::Objects && self.rest.len() == 2 && self.rest[1] == "search"
    }

    /// An association call: it has its own burst limit.
    pub(super) fn is_association(&self) -> bool {
        self.api == Api::Associations
            || (self.api == Api::Objects && self.rest.get(2) == Some(&"associations"))
    }
}

/// Prefix segments (`*` is the version), the API. The longest that fits wins by order.
const ROOTS: &[(&[&str], Api)] = &[
    (&["crm", "objects", "*"], Api::Objects),
    (&["crm", "*", "objects"], Api::Objects),
    (&["crm", "associations", "*"], Api::Associations),
    (&["crm", "*", "associations"], Api::Associations),
    (&["crm", "properties", "*"], Api::Properties),
    (&["crm", "*", "properties"], Api::Properties),
    (&["crm", "pipelines", "*"], Api::Pipelines),
    (&["crm", "*", "pipelines"], Api::Pipelines),
    (&["crm", "owners", "*"], Api::Owners),
    (&["crm", "*", "owners"], Api::Owners),
    (&["crm", "limits", "*"], Api::Limits),
    (&["crm", "*", "limits"], Api::Limits),
    (&["crm", "property-validations", "*"], Api::Validations),
    (&["crm", "*", "property-validations"], Api::Validations),
    (&["crm-object-schemas", "*", "schemas"], Api::Schemas),
    (&["crm", "*", "schemas"], Api::Schemas),
    (&["account-info", "*"], Api::Account),
    (&["oauth", "*"], Api::OAuth),
    (&["contacts", "*", "secondary-email"], Api::SecondaryEmail),
];

fn family(version: &str) -> Option<Family> {
    match version {
        "v1" | "v3" => Some(Family::Numbered),
        "v4" => Some(Family::V4),
        "2025-09" | "2026-03" | "2026-09" => Some(Family::Dated),
        _ => None,
    }
}

/// Understands a request's path.
pub(super) fn route(request: &Request) -> Route<'_> {
    let segments = request.segments();
    for (root, api) in ROOTS {
        if segments.len() < root.len() {
            continue;
        }
        let fits = root
            .iter()
            .zip(&segments)
            .all(|(want, have)| *want == "*" || want == have);
        let version = root
            .iter()
            .position(|part| *part == "*")
            .and_then(|at| segments.get(at).copied());
        let Some(family) = version.filter(|_| fits).and_then(family) else {
            continue;
        };
        let rest = segments[root.len()..].to_vec();
        let template = template(request, &segments[..root.len()], *api, &rest);
        return Route {
            api: *api,
            family,
            strict: version == Some("2026-09"),
            rest,
            template,
        };
    }
    let template = format!("{} (unknown path)", request.method);
    Route {
        api: Api::Unknown,
        family: Family::Numbered,
        strict: false,
        rest: Vec::new(),
        template,
    }
}

/// Places after an API's root that hold an id or a name.
fn blanks(api: Api, rest: &[&str]) -> Vec<(usize, &'static str)> {
    match api {
        Api::Objects => {
            let fixed = ["batch", "search", "merge"];
            let mut places = Vec::new();
            if rest.get(1).is_some_and(|part| !fixed.contains(part)) {
                places.push((1, "{id}"));
                let default = rest.get(3) == Some(&"default");
                places.push((if default { 5 } else { 4 }, "{id}"));
                if !default {
                    places.push((5, "{type}"));
                }
            }
            places
        }
        Api::Associations => {
            if rest.get(2) == Some(&"labels") {
                vec![(3, "{id}")]
            } else {
                Vec::new()
            }
        }
        Api::Properties => match rest.get(1) {
            Some(&"batch") | None => Vec::new(),
            Some(&"groups") => vec![(2, "{name}")],
            Some(_) => vec![(1, "{name}")],
        },
        Api::Pipelines => vec![(1, "{id}"), (3, "{id}")],
        Api::Owners | Api::Schemas => vec![(0, "{id}")],
        Api::SecondaryEmail => vec![(0, "{id}"), (2, "{email}")],
        Api::OAuth => vec![(1, "{token}")],
        Api::Validations => vec![(1, "{name}")],
        Api::Limits | Api::Account | Api::Unknown => Vec::new(),
    }
}

fn template(request: &Request, root: &[&str], api: Api, rest: &[&str]) -> String {
    let mut tail: Vec<&str> = rest.to_vec();
    let sub = ["introspect", "revoke"];
    for (at, name) in blanks(api, rest) {
        if let Some(part) = tail.get_mut(at)
            && !(api == Api::OAuth && sub.contains(part))
        {
            *part = name;
        }
    }
    let all: Vec<&str> = root.iter().chain(&tail).copied().collect();
    format!("{} /{}", request.method, all.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_counted_under_templates_without_ids() {
        let cases = [
            (
                "GET",
                "/crm/objects/2026-09/contacts",
                "GET /crm/objects/2026-09/contacts",
            ),
            (
                "PATCH",
                "/crm/objects/2026-09/contacts/512",
                "PATCH /crm/objects/2026-09/contacts/{id}",
            ),
            (
                "POST",
                "/crm/v3/objects/0-1/batch/read",
                "POST /crm/v3/objects/0-1/batch/read",
            ),
            (
                "PUT",
                "/crm/v4/objects/contacts/1/associations/default/companies/9",
                "PUT /crm/v4/objects/contacts/{id}/associations/default/companies/{id}",
            ),
            ("GET", "/crm/v3/owners/77/", "GET /crm/v3/owners/{id}"),
            (
                "GET",
                "/crm/properties/2026-09/deals/amount",
                "GET /crm/properties/2026-09/deals/{name}",
            ),
            ("GET", "/crm/v9/objects/contacts", "GET (unknown path)"),
        ];
        for (method, path, want) in cases {
            let request = Request {
                method: method.into(),
                path: path.into(),
                ..Request::default()
            };
            assert_eq!(route(&request).template, want);
        }
    }
}
