//! Made-up people for the demo: the same number gives the same people.

use jiff::ToSpan;
use jiff::civil::Date;

const GIVEN: &[&str] = &[
    "Ana", "Ben", "Chiara", "David", "Elif", "Farid", "Grace", "Hiro", "Ines", "Jonas", "Kemal",
    "Lena", "Marek", "Nadia", "Oscar", "Priya", "Quentin", "Rosa", "Samuel", "Tuyet", "Uma",
    "Victor", "Wiktoria", "Xavier", "Yara", "Zoë", "Łukasz", "Søren", "Björn", "José",
];
const FAMILY: &[&str] = &[
    "Ruiz", "Okafor", "Rossi", "Novak", "Yilmaz", "Haddad", "Kim", "Tanaka", "Costa", "Weber",
    "Demir", "Fischer", "Żółć", "Petrova", "Lindgren", "Sharma", "Moreau", "García", "O'Neil",
    "Nguyen", "Patel", "Hugo", "Nowak", "Martin", "Saleh", "de Vries", "Brandt", "Jensen",
];
/// Department and title; the first ones are the larger ones.
const JOBS: &[(&str, &str)] = &[
    ("Sales", "Account Executive"),
    ("Engineering", "Software Engineer"),
    ("Support", "Support Agent"),
    ("Engineering", "Site Reliability Engineer"),
    ("Marketing", "Campaign Lead"),
    ("Sales", "Sales Engineer"),
    ("Finance", "Accountant"),
    ("People", "Recruiter"),
];

/// One made-up row of an HR export.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// `employee_id`
    pub number: String,
    /// `first_name`
    pub given: String,
    /// `last_name`
    pub family: String,
    /// `department`
    pub department: String,
    /// `job_title`
    pub title: String,
    /// `start_date`
    pub start: Date,
    /// `end_date`
    pub end: Option<Date>,
}

impl Row {
    /// How people call them.
    pub fn name(&self) -> String {
        format!("{} {}", self.given, self.family)
    }
}

/// The export of a company of this size, on a day. One in twenty has left, one in forty will start
/// later.
pub fn company(size: usize, as_of: Date) -> Vec<Row> {
    (0..size).map(|at| row(at, as_of)).collect()
}

fn row(at: usize, as_of: Date) -> Row {
    let (department, title) = JOBS[at % JOBS.len()];
    let years = i64::try_from(1 + at % 9).unwrap_or(1);
    let start = as_of.saturating_sub((years * 365 + 7).days());
    let mut row = Row {
        number: format!("A{:05}", 1001 + at),
        given: GIVEN[at % GIVEN.len()].into(),
        family: FAMILY[(at / GIVEN.len() + at) % FAMILY.len()].into(),
        department: department.into(),
        title: title.into(),
        start,
        end: None,
    };
    if at % 20 == 19 {
        row.end = Some(as_of.saturating_sub(40.days()));
    } else if at % 40 == 11 {
        row.start = as_of.saturating_add(14.days());
    }
    row
}

/// Whether they are employed that day.
pub fn is_employed(row: &Row, as_of: Date) -> bool {
    row.start <= as_of && row.end.is_none_or(|end| end > as_of)
}

/// The export as a file. It holds a column (`birthdate`) that is nobody's business.
pub fn csv(rows: &[Row]) -> String {
    let mut text = String::from(
        "employee_id,first_name,last_name,birthdate,department,job_title,start_date,end_date\n",
    );
    for row in rows {
        let end = row.end.map(|end| end.to_string()).unwrap_or_default();
        text.push_str(&format!(
            "{},{},{},1990-05-17,{},{},{},{end}\n",
            row.number, row.given, row.family, row.department, row.title, row.start
        ));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_number_gives_the_same_people_and_some_are_not_employed() {
        let as_of = "2026-11-24".parse().unwrap();
        let people = company(200, as_of);
        assert_eq!(people, company(200, as_of));
        let employed = people.iter().filter(|row| is_employed(row, as_of)).count();
        assert_eq!(employed, 185);
        assert_eq!(csv(&people).lines().count(), 201);
    }
}
