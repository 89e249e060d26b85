//! A query over the resources of several types at once (RFC 7644 3.4.2.1 and 3.4.3).

use std::sync::Arc;

use serde_json::Value;

use super::{Parameters, Query, is_secret, read_message, sort_path};
use crate::filter::Restricted;
use crate::value::Reading;
use crate::{
    AttributePath, Error, Filter, PageLimits, Projection, ResourceType, ScimType, SortOrder,
    Tolerances, Tolerated,
};

/// A query over the resources of several types, as one list.
#[derive(Debug, Clone, PartialEq)]
pub struct QueryAcross {
    /// The types that can have a match, in order, and the query over each of them. Its place and
    /// size of page are those of the whole list.
    pub parts: Vec<(Arc<ResourceType>, Query)>,
    /// What the whole list is sorted by.
    pub sort_by: Option<AttributePath>,
    /// In which direction.
    pub sort_order: SortOrder,
    /// The place of the first resource to show, counted from 1.
    pub start_index: u64,
    /// How many resources to show at most.
    pub count: u64,
}

impl QueryAcross {
    /// Reads the parameters of a URL, decoded.
    pub fn parse(
        pairs: &[(String, String)],
        types: &[Arc<ResourceType>],
        tolerances: &Tolerances,
        limits: &PageLimits,
    ) -> Result<(Self, Vec<Tolerated>), Error> {
        let mut reading = Reading::new(tolerances);
        let query = Parameters::of_url(pairs).check_across(types, &mut reading, limits)?;
        Ok((query, reading.tolerated))
    }

    /// Reads a search request (RFC 7644 3.4.3).
    pub fn read(
        body: &Value,
        types: &[Arc<ResourceType>],
        tolerances: &Tolerances,
        limits: &PageLimits,
    ) -> Result<(Self, Vec<Tolerated>), Error> {
        let mut reading = Reading::new(tolerances);
        let parameters = read_message(body, &mut reading)?;
        let query = parameters.check_across(types, &mut reading, limits)?;
        Ok((query, reading.tolerated))
    }
}

impl Parameters<'_> {
    fn check_across(
        self,
        types: &[Arc<ResourceType>],
        reading: &mut Reading<'_>,
        limits: &PageLimits,
    ) -> Result<QueryAcross, Error> {
        if self.cursor.is_some() {
            return Err(Error::bad_request(
                ScimType::InvalidCursor,
                "A list of several resource types is paged by `startIndex`. Leave `cursor` out, or \
                 ask at the endpoint of one type.",
            ));
        }
        let filter = self.filter.map(|text| {
            let (filter, tolerated) = Filter::parse_tolerant(text, reading.tolerances())?;
            reading.tolerated.extend(tolerated);
            Ok::<_, Error>(filter)
        });
        let filter = filter.transpose()?;
        if let Some(path) =
            filter.as_ref().and_then(|filter| filter.unknown_to_all(types.iter().map(|rt| &**rt)))
        {
            return Err(Error::bad_request(
                ScimType::InvalidFilter,
                format!("No resource type has an attribute `{path}`."),
            ));
        }
        let sorts = self.sort_by.map(|text| sorts(text, types)).transpose()?;
        let sort_order = self.sort_order()?;
        let (start_index, count) = self.page(limits)?;
        let mut parts = Vec::new();
        for (place, rt) in types.iter().enumerate() {
            let filter = match filter.as_ref().map(|filter| filter.restricted_to(rt)) {
                Some(Restricted::None) => continue,
                None | Some(Restricted::All) => None,
                Some(Restricted::Some(filter)) => {
                    if self.in_url && is_secret(&filter, rt) {
                        return Err(super::sensitive());
                    }
                    filter.check(rt)?;
                    Some(filter)
                }
            };
            let sort_by = sorts.as_ref().and_then(|sorts| sorts[place].clone());
            let projection = Projection::of(&self.attributes, &self.excluded, rt)?;
            let query =
                Query { filter, sort_by, sort_order, start_index, count, cursor: None, projection };
            parts.push((rt.clone(), query));
        }
        let sort_by = sorts.and_then(|sorts| sorts.into_iter().flatten().next());
        Ok(QueryAcross { parts, sort_by, sort_order, start_index, count })
    }
}

/// What each type is sorted by: nothing where it does not have the attribute, whose resources then
/// have no value to be sorted by. Somebody has to have it.
fn sorts(text: &str, types: &[Arc<ResourceType>]) -> Result<Vec<Option<AttributePath>>, Error> {
    let mut refused = None;
    let mut sorts = Vec::new();
    for rt in types {
        let known = AttributePath::parse(text.trim()).is_ok_and(|path| rt.resolve(&path).is_some());
        match sort_path(text, rt) {
            Ok(path) => sorts.push(Some(path)),
            Err(error) if known => return Err(error),
            Err(error) => {
                refused = Some(error);
                sorts.push(None);
            }
        }
    }
    match refused {
        Some(error) if sorts.iter().all(Option::is_none) => Err(error),
        _ => Ok(sorts),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::urn;

    const LIMITS: PageLimits = PageLimits { count_default: 100, count_max: 200 };

    fn types() -> Vec<Arc<ResourceType>> {
        vec![Arc::new(ResourceType::user(vec![])), Arc::new(ResourceType::group(vec![]))]
    }

    fn told(result: Result<(QueryAcross, Vec<Tolerated>), Error>) -> String {
        match result {
            Err(error) => format!("{} {error}", error.scim_type.unwrap().as_str()),
            Ok((query, tolerated)) => {
                let mut told = format!("{}+{}", query.start_index, query.count);
                for (rt, part) in &query.parts {
                    let filter = part.filter.as_ref().map_or("all".into(), Filter::to_string);
                    let by = part.sort_by.as_ref().map_or("id".into(), ToString::to_string);
                    told += &format!("; {} {filter} by {by}", rt.name);
                }
                tolerated.iter().for_each(|tolerated| told += &format!(" ({tolerated})"));
                told
            }
        }
    }

    fn url(query: &str) -> String {
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        let pairs: Vec<_> = pairs.map(|(key, value)| (key.into(), value.into())).collect();
        told(QueryAcross::parse(&pairs, &types(), &Tolerances::all(), &LIMITS))
    }

    #[test]
    fn each_type_gets_its_part_of_the_query() {
        insta::assert_snapshot!(url(""), @"1+100; User all by id; Group all by id");
        insta::assert_snapshot!(url("filter=displayName sw \"S\"&startIndex=2&count=5"), @r#"2+5; User displayName sw "S" by id; Group displayName sw "S" by id"#);
        insta::assert_snapshot!(url("filter=meta.resourceType eq Group"), @r#"1+100; Group all by id (unquotedLiteral at meta.resourceType)"#);
        insta::assert_snapshot!(url("filter=userName pr&sortBy=displayName"), @"1+100; User userName pr by displayName");
        insta::assert_snapshot!(url("sortBy=userName&sortOrder=descending"), @"1+100; User all by userName; Group all by id");
        insta::assert_snapshot!(url("filter=meta.resourceType eq \"Nobody\""), @"1+100");
    }

    #[test]
    fn what_no_type_has_is_refused() {
        insta::assert_snapshot!(url("filter=shoeSize eq 43"), @"invalidFilter No resource type has an attribute `shoeSize`.");
        insta::assert_snapshot!(url("sortBy=shoeSize"), @"invalidValue `sortBy` names `shoeSize`, which a Group does not have. Name one of its attributes.");
        insta::assert_snapshot!(url("sortBy=name"), @"invalidValue `sortBy` names `name`, which has no order. Name one of its sub-attributes.");
        insta::assert_snapshot!(url("filter=active gt true"), @"invalidFilter `active` is a boolean and has no `gt`.");
        insta::assert_snapshot!(url("filter=password pr"), @"sensitive The filter asks for what is never returned. Nothing secret belongs into a URL, and nothing can be found by it.");
        insta::assert_snapshot!(url("cursor="), @"invalidCursor A list of several resource types is paged by `startIndex`. Leave `cursor` out, or ask at the endpoint of one type.");
    }

    #[test]
    fn a_search_request_is_the_same_query() {
        let body = json!({"schemas": [urn::SEARCH_REQUEST], "filter": "displayName sw \"smith\"", "startIndex": 1, "count": 10});
        let read = QueryAcross::read(&body, &types(), &Tolerances::none(), &LIMITS);
        insta::assert_snapshot!(told(read), @r#"1+10; User displayName sw "smith" by id; Group displayName sw "smith" by id"#);
        let body = json!({"schemas": [urn::SEARCH_REQUEST], "filter": "password pr"});
        let read = QueryAcross::read(&body, &types(), &Tolerances::none(), &LIMITS);
        insta::assert_snapshot!(told(read), @"invalidFilter `password` is never returned, so it cannot be filtered by.");
    }
}
