//! Which start of a node goes on in the epoch of its journal: decided once for each, and remembered.

use std::sync::Arc;

use lictor_core::change::Record;
use lictor_core::feed::{Apart, Judged, Start, source};
use lictor_core::node::{self, Node};
use lictor_core::{Error, Now, State};
use lictor_planted as planted;
use lictor_store::Fact;

use super::Authority;

impl Authority {
    /// What is said to a start that reports.
    pub(super) async fn judge_start(
        &self,
        node: &Node,
        start: &Start,
        host: &str,
        now: Now,
    ) -> Result<Judged, Error> {
        let lives = &self.feed.lives;
        lives.note(node.id, start, host, now.elapsed());
        let known = lives.judged(node.id, start);
        let mut apart = match known {
            Some(apart) => apart,
            None => {
                let apart = self.write_start(node, start, false, now).await?;
                lives.judge(node.id, start, apart);
                apart
            }
        };
        if planted::is("start-ignored") {
            apart = None;
        }
        Ok(lives.answer(node.id, start, apart, now.elapsed()))
    }

    /// Takes up that a start ends.
    pub(super) async fn let_start_go(
        &self,
        node: &Node,
        start: &Start,
        now: Now,
    ) -> Result<(), Error> {
        self.write_start(node, start, true, now).await?;
        Ok(())
    }

    async fn write_start(
        &self,
        node: &Node,
        start: &Start,
        leaving: bool,
        now: Now,
    ) -> Result<Option<Apart>, Error> {
        let (id, name) = (node.id, node.identity.name.clone());
        let facts = vec![
            Fact::NodeStarts(id),
            Fact::UsageBySource(source(&name, &start.epoch)),
            Fact::UsageEpoch {
                series: node::merged(&name),
                epoch: start.epoch.clone(),
            },
        ];
        let start = start.clone();
        let rule = move |state: &State| node::begin(state, id, &name, &start, leaving);
        let written = self.write_of_node(node, facts, Arc::new(rule), now).await?;
        let judged = written.records.iter().find_map(|record| match record {
            Record::NodeStarts { apart, .. } => Some(*apart),
            _ => None,
        });
        Ok(judged.flatten())
    }
}
