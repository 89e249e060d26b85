//! A query: what to list, in which order, which page of it, and what to show of each resource
//! (RFC 7644 3.4.2 and 3.4.3, RFC 9865).

mod across;

use serde_json::{Map, Value};

use crate::limits::PROJECTION_PATH_COUNT_MAX;
use crate::value::Reading;
use crate::{
    AttributePath, AttributeType, Error, Filter, Mutability, Projection, ResourceType, Returned,
    ScimType, SortOrder, Tolerance, Tolerances, Tolerated, urn,
};

pub use across::QueryAcross;

/// A query over the resources of one type, checked against it.
#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    /// Which resources; None is all of them.
    pub filter: Option<Filter>,
    /// What they are sorted by, an attribute or sub-attribute with an order.
    pub sort_by: Option<AttributePath>,
    /// In which direction.
    pub sort_order: SortOrder,
    /// The place of the first resource to show, counted from 1.
    pub start_index: u64,
    /// How many resources to show at most; 0 asks for the total only.
    pub count: u64,
    /// Paging by cursor (RFC 9865): empty for the first page, else what the last answer named.
    pub cursor: Option<String>,
    /// What to show of each.
    pub projection: Projection,
}

/// How large pages are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageLimits {
    /// How many resources are shown when the client does not say.
    pub count_default: u64,
    /// How many are shown at most, whatever the client says.
    pub count_max: u64,
}

impl Query {
    /// Reads the parameters of a URL, decoded. Names are compared without case; what is empty
    /// counts as absent (but `cursor`), and of a repeated parameter the last is taken (lists of
    /// attributes add up). Parameters that SCIM does not define are ignored.
    pub fn parse(
        pairs: &[(String, String)],
        rt: &ResourceType,
        tolerances: &Tolerances,
        limits: &PageLimits,
    ) -> Result<(Self, Vec<Tolerated>), Error> {
        let mut reading = Reading::new(tolerances);
        let query = Parameters::of_url(pairs).check(rt, &mut reading, limits)?;
        Ok((query, reading.tolerated))
    }

    /// Reads a search request, the same query as a body (RFC 7644 3.4.3).
    pub fn read(
        body: &Value,
        rt: &ResourceType,
        tolerances: &Tolerances,
        limits: &PageLimits,
    ) -> Result<(Self, Vec<Tolerated>), Error> {
        let mut reading = Reading::new(tolerances);
        let parameters = read_message(body, &mut reading)?;
        let query = parameters.check(rt, &mut reading, limits)?;
        Ok((query, reading.tolerated))
    }
}

/// The parameters of a query, found but not looked at.
struct Parameters<'a> {
    filter: Option<&'a str>,
    sort_by: Option<&'a str>,
    sort_order: Option<&'a str>,
    start_index: Option<Result<i64, Error>>,
    count: Option<Result<i64, Error>>,
    cursor: Option<&'a str>,
    attributes: Vec<String>,
    excluded: Vec<String>,
    /// They stand in a URL, which is written down in many places on its way.
    in_url: bool,
}

impl<'a> Parameters<'a> {
    fn of_url(pairs: &'a [(String, String)]) -> Self {
        let last = |name: &str| {
            let mut named = pairs.iter().rev().filter(|(key, _)| key.eq_ignore_ascii_case(name));
            named.next().map(|(_, value)| value.as_str())
        };
        let given = |name: &str| last(name).filter(|value| !value.trim().is_empty());
        let names = |name: &str| {
            let named = pairs.iter().filter(|(key, _)| key.eq_ignore_ascii_case(name));
            let names = named.flat_map(|(_, value)| value.split(','));
            // One more than allowed is enough to see that there are too many.
            names.take(PROJECTION_PATH_COUNT_MAX + 1).map(str::to_owned).collect()
        };
        let cursor = last("cursor");
        Self {
            filter: given("filter"),
            sort_by: given("sortBy"),
            sort_order: given("sortOrder"),
            start_index: given("startIndex").map(|text| number("startIndex", text, cursor)),
            count: given("count").map(|text| number("count", text, cursor)),
            cursor,
            attributes: names("attributes"),
            excluded: names("excludedAttributes"),
            in_url: true,
        }
    }

    fn check(
        self,
        rt: &ResourceType,
        reading: &mut Reading<'_>,
        limits: &PageLimits,
    ) -> Result<Query, Error> {
        let filter = match self.filter {
            None => None,
            Some(text) => {
                let (filter, tolerated) = Filter::parse_tolerant(text, reading.tolerances())?;
                reading.tolerated.extend(tolerated);
                if self.in_url && is_secret(&filter, rt) {
                    return Err(sensitive());
                }
                filter.check(rt)?;
                Some(filter)
            }
        };
        let sort_by = self.sort_by.map(|text| sort_path(text, rt)).transpose()?;
        let sort_order = self.sort_order()?;
        let projection = Projection::of(&self.attributes, &self.excluded, rt)?;
        let cursor = self.cursor.map(str::to_owned);
        let (start_index, count) = self.page(limits)?;
        Ok(Query { filter, sort_by, sort_order, start_index, count, cursor, projection })
    }

    fn sort_order(&self) -> Result<SortOrder, Error> {
        self.sort_order.map_or(Ok(SortOrder::default()), sort_order)
    }

    /// The place of the first resource, and how many.
    fn page(&self, limits: &PageLimits) -> Result<(u64, u64), Error> {
        let given = |number: &Option<Result<i64, Error>>| number.clone().transpose();
        // RFC 7644 3.4.2.4: "A value less than 1 SHALL be interpreted as 1."
        let start_index = given(&self.start_index)?.unwrap_or(1).max(1).unsigned_abs();
        // "A negative value SHALL be interpreted as 0." ... "the service provider MUST NOT return
        // more results than specified, although it MAY return fewer".
        let count = given(&self.count)?.map(|count| count.max(0).unsigned_abs());
        Ok((start_index, count.unwrap_or(limits.count_default).min(limits.count_max)))
    }
}

/// Reads a search request.
fn read_message<'a>(body: &'a Value, reading: &mut Reading<'_>) -> Result<Parameters<'a>, Error> {
    let Value::Object(body) = body else {
        return Err(syntax("The body must be a JSON object, a search request."));
    };
    let message = Message::read(body, reading)?;
    let attributes = message.names("attributes", reading)?;
    let excluded = message.names("excludedAttributes", reading)?;
    let cursor = message.text("cursor")?;
    Ok(Parameters {
        filter: message.text("filter")?.filter(|text| !text.trim().is_empty()),
        sort_by: message.text("sortBy")?.filter(|text| !text.trim().is_empty()),
        sort_order: message.text("sortOrder")?.filter(|text| !text.trim().is_empty()),
        start_index: message.number("startIndex", cursor, reading),
        count: message.number("count", cursor, reading),
        cursor,
        attributes,
        excluded,
        in_url: false,
    })
}

/// Whether a filter asks for what is never returned.
fn is_secret(filter: &Filter, rt: &ResourceType) -> bool {
    filter.paths().iter().filter_map(|path| rt.resolve(path)).any(|resolved| {
        [resolved.attribute, resolved.target()].into_iter().any(|attribute| {
            attribute.returned == Returned::Never || attribute.mutability == Mutability::WriteOnly
        })
    })
}

/// RFC 7644 7.5.2: "Servers that receive HTTP GET requests using filters that contain sensitive or
/// confidential personal information SHOULD respond with HTTP status code 403", with "sensitive".
fn sensitive() -> Error {
    Error {
        status: 403,
        scim_type: Some(ScimType::Sensitive),
        detail: "The filter asks for what is never returned. Nothing secret belongs into a URL, \
                 and nothing can be found by it."
            .into(),
    }
}

/// RFC 7644 3.4.2.3: "the attribute name ... in standard attribute notation"; a complex attribute
/// needs the sub-attribute, unless it has a `value`.
fn sort_path(text: &str, rt: &ResourceType) -> Result<AttributePath, Error> {
    let path = AttributePath::parse(text.trim())
        .map_err(|error| invalid(format!("`sortBy` is not an attribute path: {error}.")))?;
    let Some(resolved) = rt.resolve(&path) else {
        return Err(invalid(format!(
            "`sortBy` names `{path}`, which a {} does not have. Name one of its attributes.",
            rt.name
        )));
    };
    // An order would tell what is never shown, letter by letter.
    let secret = [resolved.attribute, resolved.target()].into_iter().any(|attribute| {
        attribute.returned == Returned::Never || attribute.mutability == Mutability::WriteOnly
    });
    if secret {
        return Err(invalid(format!("`{path}` is never returned, so nothing is sorted by it.")));
    }
    let target = resolved.target();
    if target.attribute_type == AttributeType::Complex && target.sub_attribute("value").is_none() {
        return Err(invalid(format!(
            "`sortBy` names `{path}`, which has no order. Name one of its sub-attributes."
        )));
    }
    Ok(path)
}

fn sort_order(text: &str) -> Result<SortOrder, Error> {
    match text.trim() {
        order if order.eq_ignore_ascii_case("ascending") => Ok(SortOrder::Ascending),
        order if order.eq_ignore_ascii_case("descending") => Ok(SortOrder::Descending),
        _ => Err(invalid("`sortOrder` must be `ascending` or `descending`.".to_owned())),
    }
}

/// A whole number of any length; one that does not fit is as large as any.
fn number(name: &str, text: &str, cursor: Option<&str>) -> Result<i64, Error> {
    let text = text.trim();
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(not_a_number(name, cursor));
    }
    let out_of_range = if text.starts_with('-') { i64::MIN } else { i64::MAX };
    Ok(text.parse().unwrap_or(out_of_range))
}

fn not_a_number(name: &str, cursor: Option<&str>) -> Error {
    // RFC 9865 2.1: "invalidCount" when paging by cursor.
    let scim_type = match (name, cursor) {
        ("count", Some(_)) => ScimType::InvalidCount,
        _ => ScimType::InvalidValue,
    };
    Error::bad_request(scim_type, format!("`{name}` must be a whole number."))
}

/// A search request by its canonical keys.
struct Message<'a>(Vec<(&'static str, &'a Value)>);

const MESSAGE_KEYS: [&str; 9] = [
    "schemas",
    "attributes",
    "excludedAttributes",
    "filter",
    "sortBy",
    "sortOrder",
    "startIndex",
    "count",
    "cursor",
];

impl<'a> Message<'a> {
    fn read(body: &'a Map<String, Value>, reading: &mut Reading<'_>) -> Result<Self, Error> {
        let mut keys: Vec<(&'static str, &Value)> = Vec::new();
        for (key, value) in body {
            let known = MESSAGE_KEYS.into_iter().find(|known| known.eq_ignore_ascii_case(key));
            let Some(known) = known else {
                if reading.accept(Tolerance::UnknownAttribute, key) {
                    continue;
                }
                return Err(syntax(&format!(
                    "`{}` is no part of a search request. Leave it out.",
                    key.chars().take(200).collect::<String>()
                )));
            };
            if keys.iter().any(|(other, _)| *other == known) {
                return Err(syntax(&format!("`{known}` is given twice. Send it once.")));
            }
            if known != key && !reading.accept(Tolerance::MessageKeyCase, key) {
                return Err(syntax(&format!("`{key}` must be written `{known}`.")));
            }
            if !value.is_null() {
                keys.push((known, value));
            }
        }
        let message = Self(keys);
        let named = match message.get("schemas") {
            Some(Value::Array(urns)) => urns.iter().filter_map(Value::as_str).any(is_search),
            _ => false,
        };
        if !named && !reading.accept(Tolerance::MissingSchemas, "schemas") {
            return Err(syntax(&format!(
                "`schemas` does not list `{}`. Add it.",
                urn::SEARCH_REQUEST
            )));
        }
        Ok(message)
    }

    fn get(&self, key: &str) -> Option<&'a Value> {
        self.0.iter().find(|(known, _)| *known == key).map(|(_, value)| *value)
    }

    fn text(&self, key: &str) -> Result<Option<&'a str>, Error> {
        match self.get(key) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(invalid(format!("`{key}` must be a string."))),
        }
    }

    fn names(&self, key: &str, reading: &mut Reading<'_>) -> Result<Vec<String>, Error> {
        match self.get(key) {
            None => Ok(Vec::new()),
            Some(Value::Array(names)) if names.iter().all(Value::is_string) => {
                Ok(names.iter().filter_map(Value::as_str).map(str::to_owned).collect())
            }
            Some(Value::String(names)) if reading.accept(Tolerance::SingleForMultiple, key) => {
                Ok(names.split(',').map(str::to_owned).collect())
            }
            Some(_) => Err(invalid(format!("`{key}` must be a list of attribute names."))),
        }
    }

    fn number(
        &self,
        key: &str,
        cursor: Option<&str>,
        reading: &mut Reading<'_>,
    ) -> Option<Result<i64, Error>> {
        Some(match self.get(key)? {
            Value::Number(value) if value.is_f64() => Err(not_a_number(key, cursor)),
            // Unsigned beyond i64: as large as any.
            Value::Number(value) => Ok(value.as_i64().unwrap_or(i64::MAX)),
            Value::String(text) if reading.accept(Tolerance::NumberAsString, key) => {
                number(key, text, cursor)
            }
            _ => Err(not_a_number(key, cursor)),
        })
    }
}

fn is_search(urn: &str) -> bool {
    urn.eq_ignore_ascii_case(urn::SEARCH_REQUEST)
}

fn invalid(detail: String) -> Error {
    Error::bad_request(ScimType::InvalidValue, detail)
}

fn syntax(detail: &str) -> Error {
    Error::bad_request(ScimType::InvalidSyntax, detail)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const LIMITS: PageLimits = PageLimits { count_default: 100, count_max: 200 };

    fn told(result: Result<(Query, Vec<Tolerated>), Error>) -> String {
        match result {
            Ok((query, tolerated)) => {
                let mut told = format!("{}+{}", query.start_index, query.count);
                if let Some(filter) = query.filter {
                    told += &format!(" where {filter}");
                }
                if let Some(path) = query.sort_by {
                    told += &format!(" by {path} {:?}", query.sort_order);
                }
                if let Some(cursor) = query.cursor {
                    told += &format!(" cursor `{cursor}`");
                }
                if query.projection != Projection::default() {
                    told += " projected";
                }
                for tolerated in tolerated {
                    told += &format!(" ({tolerated})");
                }
                told
            }
            Err(error) => {
                format!("{} {}: {error}", error.status, error.scim_type.unwrap().as_str())
            }
        }
    }

    fn url(query: &str) -> String {
        let pairs: Vec<_> = query
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .collect();
        told(Query::parse(&pairs, &ResourceType::user(Vec::new()), &Tolerances::none(), &LIMITS))
    }

    #[test]
    fn pages_are_kept_within_their_bounds() {
        fn check(query: &str, expected: &str) {
            assert_eq!(url(query), expected, "{query}");
        }
        check("", "1+100");
        check("startIndex=3&count=7", "3+7");
        check("STARTINDEX=3&Count=7", "3+7");
        check("startIndex=0&count=0", "1+0");
        check("startIndex=-5&count=-1", "1+0");
        check("count=1000", "1+200");
        check("count=+5", "1+5");
        check(
            "startIndex=99999999999999999999&count=99999999999999999999",
            "9223372036854775807+200",
        );
        check("startIndex=&count=&filter=&sortBy=&attributes=", "1+100");
        check("count=1&count=2", "1+2");
        check("unknown=1", "1+100");
        check("cursor=", "1+100 cursor ``");
        check("startIndex=x", "400 invalidValue: `startIndex` must be a whole number.");
        check("count=1.5", "400 invalidValue: `count` must be a whole number.");
        check("count=-", "400 invalidValue: `count` must be a whole number.");
        check("count=x&cursor=", "400 invalidCount: `count` must be a whole number.");
    }

    #[test]
    fn filters_orders_and_projections_are_checked_against_the_type() {
        insta::assert_snapshot!(url("filter=userName eq \"ana\"&attributes=userName"), @r#"1+100 where userName eq "ana" projected"#);
        insta::assert_snapshot!(url("sortBy=NAME.familyName&sortOrder=DESCENDING"), @"1+100 by NAME.familyName Descending");
        insta::assert_snapshot!(url("sortBy=emails"), @"1+100 by emails Ascending");
        insta::assert_snapshot!(url("sortBy=name"), @"400 invalidValue: `sortBy` names `name`, which has no order. Name one of its sub-attributes.");
        insta::assert_snapshot!(url("sortBy=password"), @"400 invalidValue: `password` is never returned, so nothing is sorted by it.");
        insta::assert_snapshot!(url("sortBy=shoeSize"), @"400 invalidValue: `sortBy` names `shoeSize`, which a User does not have. Name one of its attributes.");
        insta::assert_snapshot!(url("sortBy=a b"), @"400 invalidValue: `sortBy` is not an attribute path: column 3: expected the end of the path, found `b`.");
        insta::assert_snapshot!(url("sortOrder=up"), @"400 invalidValue: `sortOrder` must be `ascending` or `descending`.");
        insta::assert_snapshot!(url("filter=shoeSize eq 43"), @"400 invalidFilter: `User` has no attribute `shoeSize`.");
        insta::assert_snapshot!(url("filter=userName"), @"400 invalidFilter: The filter cannot be read: column 9: expected an operator (eq ne co sw ew pr gt ge lt le), found the end.");
        insta::assert_snapshot!(url("attributes=a&excludedAttributes=b"), @"400 invalidValue: `attributes` and `excludedAttributes` exclude each other. Send one of them.");
    }

    #[test]
    fn a_search_request_is_the_same_query() {
        let read = |tolerances: &Tolerances, mut body: Value| {
            if body.get("schemas").is_none() {
                body["schemas"] = json!([urn::SEARCH_REQUEST]);
            }
            told(Query::read(&body, &ResourceType::user(Vec::new()), tolerances, &LIMITS))
        };
        let strict = |body| read(&Tolerances::none(), body);
        let tolerant = |body| read(&Tolerances::all(), body);
        insta::assert_snapshot!(strict(json!({
            "filter": "active eq true", "sortBy": "userName", "startIndex": 2, "count": 5,
            "attributes": ["userName"], "cursor": null
        })), @"2+5 where active eq true by userName Ascending projected");
        insta::assert_snapshot!(strict(json!({"count": -1})), @"1+0");
        insta::assert_snapshot!(strict(json!({"count": u64::MAX})), @"1+200");
        insta::assert_snapshot!(strict(json!({"count": "5"})), @"400 invalidValue: `count` must be a whole number.");
        insta::assert_snapshot!(strict(json!({"count": 5.5})), @"400 invalidValue: `count` must be a whole number.");
        insta::assert_snapshot!(strict(json!({"filter": 1})), @"400 invalidValue: `filter` must be a string.");
        insta::assert_snapshot!(strict(json!({"attributes": "userName"})), @"400 invalidValue: `attributes` must be a list of attribute names.");
        insta::assert_snapshot!(strict(json!({"Filter": "active pr"})), @"400 invalidSyntax: `Filter` must be written `filter`.");
        insta::assert_snapshot!(strict(json!({"x": 1})), @"400 invalidSyntax: `x` is no part of a search request. Leave it out.");
        insta::assert_snapshot!(strict(json!({"schemas": []})), @"400 invalidSyntax: `schemas` does not list `urn:ietf:params:scim:api:messages:2.0:SearchRequest`. Add it.");
        insta::assert_snapshot!(strict(json!({"count": 1, "Count": 1})), @"400 invalidSyntax: `Count` must be written `count`.");
        insta::assert_snapshot!(tolerant(json!({
            "schemas": [], "COUNT": "5", "attributes": "userName", "x": 1,
            "filter": "userName eq ana@x"
        })), @r#"1+5 where userName eq "ana@x" projected (messageKeyCase at COUNT) (unknownAttribute at x) (missingSchemas at schemas) (singleForMultiple at attributes) (numberAsString at count) (unquotedLiteral at userName)"#);
    }
}
