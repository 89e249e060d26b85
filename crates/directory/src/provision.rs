//! One person in one application now, step by step: the credentials, the person as imported, and
//! then what the worker does for this one subject (scope, match, decide, act, groups). It is the same
//! plan, guard and worker as for everybody; only the trace is more.

use db::Ctx;
use jiff::civil::Date;
use lifecycle::Person;

use crate::{
    CredentialsTest, Directory, Error, Exchange, PersonSource, Provisioned, Step, StepStatus,
};

impl Directory {
    /// Brings one person's account and memberships in an application up to date, telling each step
    /// as it ends.
    ///
    /// # Errors
    /// No such person or application, no token; the database failed. What the application does not
    /// do is told in a step.
    pub async fn provision(
        &self,
        ctx: &Ctx,
        person: &str,
        application: &str,
        as_of: Date,
        trace: &mut dyn FnMut(Step),
    ) -> Result<Provisioned, Error> {
        let stored = self.application(application)?;
        let person = self.person(person)?;
        let test = self.test_credentials(application).await?;
        trace(credentials(&test));
        if !test.is_ok() {
            let next_step = test.next_step;
            return Ok(Provisioned { change: None, ok: false, next_step, requests: 1 });
        }
        let source = self.person_source(&person.id)?;
        trace(imported(&person, source.as_ref()));
        let done = self.work_one(ctx, &stored, &person, as_of, trace).await?;
        // The test of the credentials was a request too.
        Ok(Provisioned { requests: done.requests + 1, ..done })
    }
}

fn credentials(test: &CredentialsTest) -> Step {
    Step {
        name: "credentials",
        status: if test.is_ok() { StepStatus::Done } else { StepStatus::Failed },
        detail: test.sentence.clone(),
        exchanges: vec![Exchange {
            method: "GET",
            path: "Users?startIndex=1&count=1".into(),
            status: test.status,
            outcome: if test.is_ok() { "ok".into() } else { "see above".into() },
        }],
    }
}

fn imported(person: &Person, source: Option<&PersonSource>) -> Step {
    let who = format!("{} ({})", person.name(), person.employee_number);
    let detail = match source {
        Some(source) => format!(
            "{who} is in {}, line {}, of source {}, imported {}.",
            source.file_name,
            source.line,
            source.source_name,
            source.imported_at.strftime("%Y-%m-%d %H:%M:%S UTC")
        ),
        None => format!("{who} was made by hand; no source names them."),
    };
    Step { name: "person", status: StepStatus::Done, detail, exchanges: Vec::new() }
}
