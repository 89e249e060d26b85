//! Filters (RFC 7644 3.4.2.2): the first line is the filter, what follows may be a resource.

use scim::limits::{FILTER_BYTES_MAX, FILTER_TERM_COUNT_MAX};
use scim::{CompareOp, Filter, Resource, ResourceType, Restricted, Tolerances};

use crate::stock::{self, STOCK};

/// Reads, prints, reads again and evaluates.
pub fn check(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let (text, rest) = text.split_once('\n').unwrap_or((text, ""));
    let strict = match Filter::parse(text) {
        Ok(filter) => Some(filter),
        Err(error) => {
            let end = text.chars().count() + 1;
            assert!((1..=end).contains(&error.column), "{error}: {text}");
            None
        }
    };
    let Ok((filter, tolerated)) = Filter::parse_tolerant(text, &Tolerances::all()) else {
        assert_eq!(strict, None, "a tolerant reader refuses what a strict one reads: {text}");
        return;
    };
    // What needs no tolerance is read alike without one.
    if tolerated.is_empty() {
        assert_eq!(strict.as_ref(), Some(&filter), "{text}");
    }
    printed(&filter);
    assert!(filter.paths().len() <= FILTER_TERM_COUNT_MAX * 2);
    let bodies = stock::documents(rest.as_bytes());
    for stock in &*STOCK {
        evaluated(&filter, &stock.rt, &stock.stored);
        for given in bodies.iter().filter_map(|body| stock::resource(&stock.rt, body)) {
            evaluated(&filter, &stock.rt, &given);
        }
    }
}

/// Printing is the inverse of reading, as long as the text may be read at all.
fn printed(filter: &Filter) {
    let text = filter.to_string();
    if text.len() <= FILTER_BYTES_MAX {
        assert_eq!(Filter::parse(&text).as_ref(), Ok(filter), "{text}");
    }
}

fn evaluated(filter: &Filter, rt: &ResourceType, resource: &Resource) {
    let document = resource.document();
    let matches = filter.matches(rt, document);
    let not = Filter::Not(Box::new(filter.clone()));
    assert_eq!(not.matches(rt, document), !matches, "{filter}");
    if filter.check(rt).is_err() {
        return;
    }
    // Whatever index a store looks in, it misses nobody.
    for (path, value) in filter.equalities(rt) {
        let equality = Filter::Compare { path, op: CompareOp::Eq, value: value.clone() };
        assert!(!matches || equality.matches(rt, document), "{filter} without {equality}");
    }
    // What is left of it for one type says the same of that type's resources.
    let restricted = match filter.restricted_to(rt) {
        Restricted::All => true,
        Restricted::None => false,
        Restricted::Some(rest) => rest.matches(rt, document),
    };
    assert_eq!(restricted, matches, "{filter} of a {}", rt.name);
}
