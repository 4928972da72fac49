//! Which start of a node goes on in the epoch of its journal: decided once for each, and remembered.

use lictor_core::Error;
use lictor_core::elapsed::Now;
use lictor_core::facts::node::Node;
use lictor_core::feed::{NodeStart, StartReply, source};
use lictor_core::rules::node::{self, StartDecision};
use lictor_planted as planted;
use lictor_store::{Fact, Rule};

use super::Authority;

impl Authority {
    /// What is said to a start that reports.
    pub(super) async fn judge_start(
        &self,
        node: &Node,
        start: &NodeStart,
        host: &str,
        now: Now,
    ) -> Result<StartReply, Error> {
        let lives = &self.feed.lives;
        lives.note(node.id, start, host, now.elapsed());
        let known = lives.judged(node.id, start);
        let mut judgment = match known {
            Some(judgment) => judgment,
            None => {
                let judgment = self.write_start(node, start, false, now).await?;
                lives.judge(node.id, start, judgment.clone());
                judgment
            }
        };
        if planted::is("start-ignored") {
            judgment = StartDecision::default();
        }
        Ok(lives.answer(node.id, start, judgment, now.elapsed()))
    }

    /// Takes up that a start ends.
    pub(super) async fn let_start_go(
        &self,
        node: &Node,
        start: &NodeStart,
        now: Now,
    ) -> Result<(), Error> {
        self.write_start(node, start, true, now).await?;
        Ok(())
    }

    async fn write_start(
        &self,
        node: &Node,
        start: &NodeStart,
        leaving: bool,
        now: Now,
    ) -> Result<StartDecision, Error> {
        let (id, name) = (node.id, node.identity.name.clone());
        // It may have been removed since it signed in.
        let mut facts = vec![Fact::Node(id), Fact::NodeStarts(id)];
        for epoch in node::epochs_of(start) {
            facts.push(Fact::UsageBySource(source(&name, &epoch)));
            facts.push(Fact::UsageEpoch {
                series: node::merged(&name),
                epoch,
            });
        }
        let start = start.clone();
        let rule = Rule::new(move |state| match state.nodes.contains_key(&id) {
            true => node::begin(state, id, &name, &start, leaving),
            false => Err(Error::Unauthenticated),
        });
        self.write_of_node(node, facts, rule, now)
            .await?
            .outcome
            .take()
    }
}
