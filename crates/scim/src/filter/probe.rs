//! What a filter says about indexes: the paths it reads, and the equalities every match has.

use super::{CompareOp, Filter, Literal};
use crate::{AttributePath, AttributeType, ResourceType};

impl Filter {
    /// The paths this filter reads, each once, in order of appearance. Paths between brackets are
    /// given whole: `emails[type eq "work"]` reads `emails.type`.
    pub fn paths(&self) -> Vec<AttributePath> {
        let mut paths = Vec::new();
        self.collect_paths(None, &mut paths);
        paths
    }

    /// The equalities that hold for every resource this filter matches, with paths as the schemas
    /// write them (`emails eq "x"` is an equality of `emails.value`; a core URN is left out).
    ///
    /// A store may look up candidates by any one of them and must still hold the filter against
    /// each. Literals are as written: one of another type than the attribute needs that too.
    pub fn equalities(&self, rt: &ResourceType) -> Vec<(AttributePath, &Literal)> {
        let mut equalities = Vec::new();
        self.collect_equalities(rt, None, &mut equalities);
        equalities
    }

    /// How many comparisons it has.
    pub(crate) fn term_count(&self) -> usize {
        match self {
            Self::Compare { .. } | Self::Present(_) => 1,
            Self::And(filters) | Self::Or(filters) => filters.iter().map(Self::term_count).sum(),
            Self::Not(filter) | Self::ValuePath { filter, .. } => filter.term_count(),
        }
    }

    fn collect_paths(&self, parent: Option<&AttributePath>, paths: &mut Vec<AttributePath>) {
        match self {
            Self::Compare { path, .. } | Self::Present(path) => {
                let path = within(parent, path);
                if !paths.contains(&path) {
                    paths.push(path);
                }
            }
            Self::And(filters) | Self::Or(filters) => {
                filters.iter().for_each(|filter| filter.collect_paths(parent, paths));
            }
            Self::Not(filter) => filter.collect_paths(parent, paths),
            Self::ValuePath { path, filter } => filter.collect_paths(Some(path), paths),
        }
    }

    fn collect_equalities<'a>(
        &'a self,
        rt: &ResourceType,
        parent: Option<&AttributePath>,
        equalities: &mut Vec<(AttributePath, &'a Literal)>,
    ) {
        match self {
            Self::Compare { path, op: CompareOp::Eq, value } if value != &Literal::Null => {
                if let Some(path) = canonical(rt, &within(parent, path)) {
                    equalities.push((path, value));
                }
            }
            Self::And(all) => {
                all.iter().for_each(|filter| filter.collect_equalities(rt, parent, equalities));
            }
            Self::ValuePath { path, filter } => {
                filter.collect_equalities(rt, Some(path), equalities);
            }
            _ => {}
        }
    }
}

fn within(parent: Option<&AttributePath>, path: &AttributePath) -> AttributePath {
    match parent {
        Some(parent) => {
            AttributePath { sub_attribute: Some(path.attribute.clone()), ..parent.clone() }
        }
        None => path.clone(),
    }
}

fn canonical(rt: &ResourceType, path: &AttributePath) -> Option<AttributePath> {
    let resolved = rt.resolve(path)?;
    let sub_attribute = match resolved.sub_attribute {
        Some(sub) => Some(sub.name.clone()),
        None if resolved.attribute.attribute_type == AttributeType::Complex => {
            Some(resolved.attribute.sub_attribute("value")?.name.clone())
        }
        None => None,
    };
    Some(AttributePath {
        urn: resolved.extension.map(|extension| extension.schema.id.clone()),
        attribute: resolved.attribute.name.clone(),
        sub_attribute,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Extension, enterprise_user_schema};

    fn equalities(filter: &str) -> String {
        let rt = ResourceType::user(vec![Extension::optional(enterprise_user_schema())]);
        let filter = Filter::parse(filter).unwrap();
        let found = filter.equalities(&rt);
        found.iter().map(|(path, literal)| format!("{path}={literal} ")).collect()
    }

    #[test]
    fn equalities_are_those_that_every_match_has() {
        insta::assert_snapshot!(equalities(r#"USERNAME eq "a""#), @r#"userName="a" "#);
        insta::assert_snapshot!(
            equalities(r#"active eq true and (externalId eq "x" and title sw "y")"#),
            @r#"active=true externalId="x" "#
        );
        insta::assert_snapshot!(
            equalities(r#"emails[type eq "work"].value eq "a@b""#),
            @r#"emails.type="work" emails.value="a@b" "#
        );
        insta::assert_snapshot!(equalities(r#"emails eq "a@b""#), @r#"emails.value="a@b" "#);
        insta::assert_snapshot!(
            equalities(r#"urn:ietf:params:scim:schemas:core:2.0:User:userName eq "a""#),
            @r#"userName="a" "#
        );
        insta::assert_snapshot!(equalities(r#"userName eq "a" or userName eq "b""#), @"");
        insta::assert_snapshot!(equalities(r#"not (userName eq "a") and title eq null"#), @"");
    }

    #[test]
    fn paths_are_whole_and_named_once() {
        let filter = Filter::parse(r#"emails[type eq "work" and value pr] or a.b eq 1 or a.b pr"#);
        let paths: Vec<_> = filter.unwrap().paths().iter().map(ToString::to_string).collect();
        assert_eq!(paths, ["emails.type", "emails.value", "a.b"]);
    }
}
