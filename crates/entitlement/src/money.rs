//! Money: whole minor units of a currency, never a fraction.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

/// A currency by its code of three letters (ISO 4217), as in `EUR`. Always valid once built.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Currency([u8; 3]);

/// Why a text is no currency.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{given}` is no currency. Give its three letters by ISO 4217, such as `EUR`.")]
pub struct CurrencyError {
    /// What was given.
    pub given: String,
}

/// What a seat costs in a month.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Price {
    /// The amount in the smallest unit of the currency: cents of a euro, whole yen.
    pub minor_units: u64,
    /// The currency.
    pub currency: Currency,
}

/// Sums of money, one for each currency: amounts of different currencies are never added.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sums(BTreeMap<Currency, u64>);

impl Currency {
    /// Reads a code of three letters; case and surrounding space do not matter.
    pub fn parse(text: &str) -> Result<Self, CurrencyError> {
        let error = || CurrencyError { given: text.to_owned() };
        let letters: [u8; 3] =
            text.trim().to_ascii_uppercase().into_bytes().try_into().map_err(|_| error())?;
        if letters.iter().all(u8::is_ascii_uppercase) { Ok(Self(letters)) } else { Err(error()) }
    }

    /// The code.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or("XXX")
    }

    /// How many decimal places the minor unit stands behind (ISO 4217, list one).
    fn decimals(self) -> usize {
        match self.as_str() {
            "BIF" | "CLP" | "DJF" | "GNF" | "ISK" | "JPY" | "KMF" | "KRW" | "PYG" | "RWF"
            | "UGX" | "VND" | "VUV" | "XAF" | "XOF" | "XPF" => 0,
            "BHD" | "IQD" | "JOD" | "KWD" | "LYD" | "OMR" | "TND" => 3,
            _ => 2,
        }
    }
}

impl Price {
    /// What `count` of them cost.
    pub fn times(self, count: u64) -> Self {
        Self { minor_units: self.minor_units.saturating_mul(count), ..self }
    }
}

impl Sums {
    /// Adds an amount to the sum of its currency.
    pub fn add(&mut self, price: Price) {
        let sum = self.0.entry(price.currency).or_default();
        *sum = sum.saturating_add(price.minor_units);
    }

    /// The sums, by currency.
    pub fn amounts(&self) -> impl Iterator<Item = Price> {
        self.0
            .iter()
            .map(|(currency, minor_units)| Price { minor_units: *minor_units, currency: *currency })
    }

    /// Whether nothing was added.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<Price> for Sums {
    fn from_iter<I: IntoIterator<Item = Price>>(prices: I) -> Self {
        let mut sums = Self::default();
        prices.into_iter().for_each(|price| sums.add(price));
        sums
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Price {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let decimals = self.currency.decimals();
        let digits = format!("{:0>width$}", self.minor_units, width = decimals + 1);
        let (whole, fraction) = digits.split_at(digits.len() - decimals);
        let point = if fraction.is_empty() { "" } else { "." };
        write!(f, "{whole}{point}{fraction} {}", self.currency)
    }
}

impl fmt::Display for Sums {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let amounts: Vec<String> = self.amounts().map(|amount| amount.to_string()).collect();
        if amounts.is_empty() {
            f.write_str("nothing")
        } else {
            f.write_str(&amounts.join(" and "))
        }
    }
}

impl TryFrom<String> for Currency {
    type Error = CurrencyError;

    fn try_from(text: String) -> Result<Self, CurrencyError> {
        Self::parse(&text)
    }
}

impl From<Currency> for String {
    fn from(currency: Currency) -> Self {
        currency.as_str().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn price(minor_units: u64, currency: &str) -> Price {
        Price { minor_units, currency: Currency::parse(currency).unwrap() }
    }

    #[test]
    fn an_amount_is_written_with_the_decimals_of_its_currency() {
        let check = |minor_units, currency: &str, expected: &str| {
            assert_eq!(price(minor_units, currency).to_string(), expected);
        };
        check(1499, "eur", "14.99 EUR");
        check(5, "USD", "0.05 USD");
        check(0, "EUR", "0.00 EUR");
        check(1200, "JPY", "1200 JPY");
        check(1500, "KWD", "1.500 KWD");
    }

    #[test]
    fn a_currency_is_three_letters() {
        for given in ["", "EU", "EURO", "E1R", "€€€"] {
            assert!(Currency::parse(given).is_err(), "{given}");
            assert!(serde_json::from_value::<Currency>(given.into()).is_err());
        }
    }

    #[test]
    fn currencies_are_summed_apart() {
        let sums: Sums =
            [price(1, "USD"), price(150, "EUR"), price(50, "EUR")].into_iter().collect();
        assert_eq!(sums.to_string(), "2.00 EUR and 0.01 USD");
        assert_eq!(Sums::default().to_string(), "nothing");
        assert_eq!(price(u64::MAX, "EUR").times(3).minor_units, u64::MAX);
    }
}
