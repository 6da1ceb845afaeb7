//! Weakened and narrowed policies, one change at a time: does the suite notice each?

mod conditions;
mod facts;
mod mutants;
mod near;
mod noticed;
mod place;
mod witness;

use std::collections::BTreeMap;

use anyhow::{Result, ensure};

use self::facts::Facts;
use self::mutants::{Mutant, Sort};
use self::noticed::Cases;
use self::witness::Search;
use super::environment::Policy;
use super::first;
use super::ground::Whole;

/// How many mutants there are at least that are noticed.
const NOTICED: usize = 5000;

/// What came of the mutants of a sort.
#[derive(Default)]
struct Count {
    noticed: usize,
    missed: usize,
    unchanging: usize,
}

#[test]
fn every_weakened_policy_is_noticed() -> Result<()> {
    let whole = Whole::get()?;
    let (ours, theirs) = (&whole.ground.ours, &whole.ground.theirs);
    let policies = whole.ground.policies();
    let own: Vec<&Policy> = policies.iter().filter(|policy| !policy.id.contains(':')).collect();
    let facts = Facts::of(ours, theirs)?;
    let search = Search::new(&facts);
    let cases = Cases::new(&whole.evaluated);

    let mut counts: BTreeMap<Sort, Count> = BTreeMap::new();
    let (mut missed, mut blind) = (Vec::new(), Vec::new());
    for mutant in &mutants::mutants(&own, &facts)? {
        let count = counts.entry(mutant.sort).or_default();
        match (cases.notice(mutant), search.witness(mutant)) {
            (Some(by), None) => blind.push(format!("{} by {by}", name(mutant))),
            (Some(_), Some(_)) => count.noticed += 1,
            (None, None) => count.unchanging += 1,
            (None, Some(witness)) => {
                count.missed += 1;
                missed.push(format!("{}\n    {witness}", name(mutant)));
            }
        }
    }
    for (sort, count) in &counts {
        let Count {
            noticed,
            missed,
            unchanging,
        } = count;
        let all = noticed + missed;
        println!("{sort:?}: {noticed} of {all} mutants noticed; {unchanging} others change nothing");
    }
    let noticed: usize = counts.values().map(|count| count.noticed).sum();
    ensure!(noticed >= NOTICED, "only {noticed} mutants are noticed");
    ensure!(
        blind.is_empty(),
        "the search is blind to {}:\n{}",
        blind.len(),
        first(&blind)
    );
    ensure!(missed.is_empty(), "{} not noticed:\n{}", missed.len(), first(&missed));
    Ok(())
}

fn name(mutant: &Mutant) -> String {
    let sid = mutant.before.as_ref().map_or("", |statement| &statement.sid);
    format!("{:?}: {} {sid}: {}", mutant.sort, mutant.policy, mutant.what)
}
