//! Rules: conditions over a person's profile that fill groups.
//!
//! Rules only add. Several may fill one group, one may fill several; a membership lasts as long as one
//! rule matches or somebody added the person by hand, and the person is employed.

use std::sync::LazyLock;

use jiff::Timestamp;
use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;

use crate::{
    Bindings, Environment, EvaluationError, Expect, Expression, ExpressionError, GroupId, Person,
    Reason, RuleId, profile_type,
};

/// A condition, and the groups it fills.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// The directory's own identifier.
    pub id: RuleId,
    /// The name.
    pub name: String,
    /// The condition: `user.department == "Sales"`.
    pub expression: Expression,
    /// The groups that whoever it matches is in.
    pub groups: Vec<GroupId>,
    /// Whether it is asked at all.
    pub active: bool,
}

/// What a rule's condition may speak of: `user`, the person's profile, and `as_of`, midnight UTC of
/// the day that is decided for.
pub fn rule_environment() -> &'static Environment {
    static ENVIRONMENT: LazyLock<Environment> = LazyLock::new(|| {
        Environment::new().with_resource("user", &profile_type()).with_timestamp("as_of")
    });
    &ENVIRONMENT
}

impl Rule {
    /// Reads and checks a condition.
    pub fn condition(text: &str) -> Result<Expression, ExpressionError> {
        Expression::parse(text, rule_environment(), Expect::Boolean)
    }

    /// Whether the condition holds for a person, whatever their standing.
    pub fn matches(&self, person: &Person, as_of: Date) -> Result<bool, EvaluationError> {
        self.expression.matches(&bindings(person, as_of))
    }

    /// Why the condition holds, or does not.
    pub fn reason(&self, person: &Person, as_of: Date) -> Reason {
        let (rule, name) = (self.id.clone(), self.name.clone());
        let condition = self.expression.text().to_owned();
        let because = self.expression.explain(&bindings(person, as_of)).reasons().join("; ");
        match self.matches(person, as_of) {
            Ok(true) => Reason::Rule { rule, name, condition, because },
            Ok(false) => Reason::RuleDoesNotMatch { rule, name, condition, because },
            Err(error) => {
                Reason::RuleDoesNotMatch { rule, name, condition, because: error.to_string() }
            }
        }
    }

    /// Whether it fills that group.
    pub fn fills(&self, group: &GroupId) -> bool {
        self.groups.contains(group)
    }
}

fn bindings(person: &Person, as_of: Date) -> Bindings<'_> {
    let bindings = Bindings::new().document("user", person.profile.document());
    match midnight(as_of) {
        Some(midnight) => bindings.timestamp("as_of", midnight),
        None => bindings,
    }
}

/// None only at the very ends of the calendar.
fn midnight(day: Date) -> Option<Timestamp> {
    TimeZone::UTC.to_timestamp(day.to_datetime(Time::midnight())).ok()
}
