//! The alerts that stand. Each is told once when it begins, and once when it is over.

use std::collections::BTreeMap;

use super::rules::{About, Beyond};

/// Looks in a row at which an alert is no more before it is over: one that flickers is told once.
const CALM: u32 = 3;

/// Alerts that stand at once; of more, the engine has other troubles.
pub const STANDING_MAX: usize = 1_000;

#[derive(Debug, Clone, PartialEq)]
pub struct Standing {
    pub since_s: i64,
    pub value: f64,
    pub limit: f64,
    calm: u32,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Told {
    pub about: About,
    pub standing: Standing,
    /// It is over.
    pub over: bool,
}

#[derive(Default)]
pub struct Board(BTreeMap<About, Standing>);

impl Board {
    pub fn standing(&self) -> impl Iterator<Item = (&About, &Standing)> {
        self.0.iter()
    }

    /// Takes what a look found, and says what is to be told.
    pub fn look(&mut self, now_s: i64, found: &BTreeMap<About, Beyond>) -> Vec<Told> {
        let mut told = Vec::new();
        self.0.retain(|about, standing| {
            standing.calm = if found.contains_key(about) { 0 } else { standing.calm + 1 };
            let over = standing.calm == CALM;
            if over {
                told.push(Told { about: about.clone(), standing: standing.clone(), over });
            }
            !over
        });
        for (about, (value, limit)) in found {
            let (value, limit) = (*value, *limit);
            if let Some(standing) = self.0.get_mut(about) {
                (standing.value, standing.limit) = (value, limit);
            } else if self.0.len() < STANDING_MAX {
                let standing = Standing { since_s: now_s, value, limit, calm: 0 };
                self.0.insert(about.clone(), standing.clone());
                told.push(Told { about: about.clone(), standing, over: false });
            }
        }
        told
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_or_flickers_is_told_once_and_once_more_when_it_is_over() {
        let mut board = Board::default();
        let about = ("p95", String::new());
        let slow = BTreeMap::from([(about.clone(), (900.0, 500.0))]);
        let fine = BTreeMap::new();
        let mut told = Vec::new();
        for (now, look) in
            [&slow, &slow, &fine, &slow, &fine, &fine, &fine, &fine].iter().enumerate()
        {
            told.extend(board.look(now as i64, look).into_iter().map(|told| (now, told.over)));
        }
        assert_eq!(told, [(0, false), (6, true)]);
        assert_eq!(board.standing().count(), 0);
        assert_eq!(board.look(9, &slow).len(), 1, "it may begin again");
        let many = (0..2 * STANDING_MAX).map(|n| (("dead_letters", n.to_string()), (1.0, 0.0)));
        board.look(10, &many.collect());
        assert_eq!(board.standing().count(), STANDING_MAX);
    }
}
