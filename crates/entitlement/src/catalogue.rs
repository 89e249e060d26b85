//! The catalogue of a tenant: the license types and products it can give, and their pools of seats.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Key, Price};

/// A license type. A user holds at most one; between several, the highest rank wins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LicenseType {
    /// The key by which grants name it.
    pub key: Key,
    /// The name for people.
    pub name: String,
    /// Its place in the explicit order; higher wins. Equal ranks are ordered by key.
    pub rank: u32,
    /// A retired type is never granted anew; who holds it keeps it until moved off it.
    #[serde(default)]
    pub retired: bool,
    /// How many may be held at once; none means no limit.
    #[serde(default)]
    pub seat_limit: Option<u32>,
    /// Values of the SCIM attribute `userType` that mean this license type, beside key and name.
    #[serde(default)]
    pub user_types: Vec<String>,
    /// What a seat costs in a month.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<Price>,
}

/// A product. A user holds the union of what is granted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Product {
    /// The key by which grants name it.
    pub key: Key,
    /// The name for people.
    pub name: String,
    /// How many may be held at once; none means no limit.
    #[serde(default)]
    pub seat_limit: Option<u32>,
    /// What a seat costs in a month.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<Price>,
}

/// A pool of seats: one for each license type and each product.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "kind", content = "key", rename_all = "kebab-case")]
pub enum Pool {
    /// The seats of a license type.
    License(Key),
    /// The seats of a product.
    Product(Key),
}

/// All license types and products of one tenant.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Catalogue {
    license_types: BTreeMap<Key, LicenseType>,
    products: BTreeMap<Key, Product>,
}

/// What a value of `userType` means to a catalogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UserTypeMeaning<'a> {
    /// An attribute like any other, such as "Employee".
    Plain,
    /// It names a license type that can be granted: a claim of its own.
    Grants(&'a LicenseType),
    /// It names a retired license type, which is refused.
    Retired(&'a LicenseType),
}

impl LicenseType {
    /// A live license type without a limit, a price or `userType` values of its own.
    pub fn new(key: Key, name: impl Into<String>, rank: u32) -> Self {
        let (retired, seat_limit, price) = (false, None, None);
        Self { key, name: name.into(), rank, retired, seat_limit, user_types: Vec::new(), price }
    }
}

impl Product {
    /// A product without a limit or a price.
    pub fn new(key: Key, name: impl Into<String>) -> Self {
        Self { key, name: name.into(), seat_limit: None, price: None }
    }
}

impl Pool {
    /// `license` or `product`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::License(_) => "license",
            Self::Product(_) => "product",
        }
    }

    /// The key of the license type or product.
    pub fn key(&self) -> &Key {
        match self {
            Self::License(key) | Self::Product(key) => key,
        }
    }

    /// The pool with this kind and key; None if the kind is neither `license` nor `product`.
    pub fn from_parts(kind: &str, key: Key) -> Option<Self> {
        match kind {
            "license" => Some(Self::License(key)),
            "product" => Some(Self::Product(key)),
            _ => None,
        }
    }

    /// Whether this is the pool of a license type.
    pub fn is_license(&self) -> bool {
        matches!(self, Self::License(_))
    }
}

impl fmt::Display for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind(), self.key())
    }
}

impl Catalogue {
    /// A catalogue of these rows; of two rows with one key the later stands.
    pub fn new(license_types: Vec<LicenseType>, products: Vec<Product>) -> Self {
        Self {
            license_types: license_types.into_iter().map(|row| (row.key.clone(), row)).collect(),
            products: products.into_iter().map(|row| (row.key.clone(), row)).collect(),
        }
    }

    /// The license type with this key.
    pub fn license_type(&self, key: &Key) -> Option<&LicenseType> {
        self.license_types.get(key)
    }

    /// The product with this key.
    pub fn product(&self, key: &Key) -> Option<&Product> {
        self.products.get(key)
    }

    /// The license types, best first.
    pub fn license_types(&self) -> Vec<&LicenseType> {
        let mut rows: Vec<_> = self.license_types.values().collect();
        rows.sort_by_key(|row| (Reverse(row.rank), &row.key));
        rows
    }

    /// The products, by key.
    pub fn products(&self) -> impl Iterator<Item = &Product> {
        self.products.values()
    }

    /// Every pool: licenses best first, then products by key. Settling in this order needs one pass,
    /// since a promotion only ever frees something further down.
    pub fn pools(&self) -> Vec<Pool> {
        let licenses = self.license_types().into_iter().map(|row| Pool::License(row.key.clone()));
        licenses.chain(self.products().map(|row| Pool::Product(row.key.clone()))).collect()
    }

    /// Whether license type `one` is better than `other`; one that is unknown is worse than any.
    pub fn outranks(&self, one: &Key, other: &Key) -> bool {
        self.order(one) < self.order(other)
    }

    /// The name for people; the key where the catalogue has no such row.
    pub fn name<'a>(&'a self, pool: &'a Pool) -> &'a str {
        let name = match pool {
            Pool::License(key) => self.license_types.get(key).map(|row| &row.name),
            Pool::Product(key) => self.products.get(key).map(|row| &row.name),
        };
        name.map_or(pool.key().as_str(), String::as_str)
    }

    /// The limit of a pool; None: no limit.
    pub fn seat_limit(&self, pool: &Pool) -> Option<u32> {
        match pool {
            Pool::License(key) => self.license_types.get(key).and_then(|row| row.seat_limit),
            Pool::Product(key) => self.products.get(key).and_then(|row| row.seat_limit),
        }
    }

    /// What a seat of a pool costs in a month, if that is known.
    pub fn price(&self, pool: &Pool) -> Option<Price> {
        match pool {
            Pool::License(key) => self.license_types.get(key).and_then(|row| row.price),
            Pool::Product(key) => self.products.get(key).and_then(|row| row.price),
        }
    }

    /// The rank of a license type; none where the catalogue has no such type.
    pub fn rank(&self, key: &Key) -> Option<u32> {
        self.license_types.get(key).map(|row| row.rank)
    }

    /// What a value of `userType` means here. Case and surrounding space are ignored; where a
    /// value fits several license types a live one is taken before a retired one, then the best.
    pub fn user_type(&self, value: &str) -> UserTypeMeaning<'_> {
        let value = value.trim();
        let fits = |row: &&LicenseType| {
            value.eq_ignore_ascii_case(row.key.as_str())
                || value.eq_ignore_ascii_case(&row.name)
                || row.user_types.iter().any(|own| value.eq_ignore_ascii_case(own))
        };
        let mut rows = self.license_types();
        rows.sort_by_key(|row| row.retired);
        match rows.into_iter().find(fits) {
            None => UserTypeMeaning::Plain,
            Some(row) if row.retired => UserTypeMeaning::Retired(row),
            Some(row) => UserTypeMeaning::Grants(row),
        }
    }

    /// Sort key of a license type, best first.
    pub(crate) fn order<'k>(&self, key: &'k Key) -> (Reverse<Option<u32>>, &'k Key) {
        (Reverse(self.license_types.get(key).map(|row| row.rank)), key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Preset;

    #[test]
    fn license_types_are_ordered_best_first() {
        let keys: Vec<_> = Preset::guide()
            .catalogue()
            .license_types()
            .iter()
            .map(|row| row.key.to_string())
            .collect();
        assert_eq!(
            keys,
            [
                "workplace-enterprise",
                "workplace-business",
                "workplace-licensed",
                "basic",
                "unassigned"
            ]
        );
    }

    #[test]
    fn user_type_means_a_license_a_retired_one_or_nothing() {
        let catalogue = Preset::guide().catalogue();
        let check = |value: &str, expected: &str| {
            let got = match catalogue.user_type(value) {
                UserTypeMeaning::Plain => "plain".to_owned(),
                UserTypeMeaning::Grants(row) => format!("grants {}", row.key),
                UserTypeMeaning::Retired(row) => format!("retired {}", row.key),
            };
            assert_eq!(got, expected, "{value:?}");
        };
        check("Basic", "retired basic");
        check(" BASIC ", "retired basic");
        check("Licensed", "grants workplace-licensed");
        check("workplace-business", "grants workplace-business");
        check("Workplace Business", "grants workplace-business");
        check("Employee", "plain");
        check("", "plain");
    }

    #[test]
    fn an_unknown_license_type_is_worse_than_any() {
        let catalogue = Preset::guide().catalogue();
        let key = |text| Key::parse(text).unwrap();
        assert!(catalogue.outranks(&key("unassigned"), &key("no-such-type")));
        assert!(!catalogue.outranks(&key("no-such-type"), &key("unassigned")));
        assert!(!catalogue.outranks(&key("basic"), &key("basic")));
    }
}
