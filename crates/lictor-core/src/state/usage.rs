//! Applies corrections of usage, and keeps the sums.

use crate::facts::usage::UsageKey;
use crate::state::State;

impl State {
    pub(super) fn correct_usage(&mut self, source: &str, service: &str, month: &str, by: i64) {
        let key = UsageKey {
            month: month.to_owned(),
            service: service.to_owned(),
            source: source.to_owned(),
        };
        self.usage_sum = self.usage_sum.saturating_add_signed(by);
        self.move_month(month, by);
        let before = self.corrections.remove(&key).unwrap_or_default();
        let sum = before.saturating_add(by);
        if sum != 0 {
            self.corrections.insert(key, sum);
        }
    }

    pub(super) fn move_month(&mut self, month: &str, by: i64) {
        let moved = self.usage_moved.entry(month.to_owned()).or_default();
        *moved = moved.saturating_add(by);
    }
}
