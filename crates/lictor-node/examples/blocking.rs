//! A product without a Tokio runtime of its own: it decides, and counts, as its license says.
//!
//! ```sh
//! LICTOR_ENROLL="$(cat token)" cargo run --example blocking -- https://lictor.example.com ./node
//! ```

use std::error::Error;

use lictor_node::{Node, Options};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(control_plane), Some(folder)) = (arguments.next(), arguments.next()) else {
        return Err("name the control plane and a folder".into());
    };
    let token = std::env::var("LICTOR_ENROLL").ok();
    println!("{}", serve(&control_plane, &folder, token.as_deref())?);
    Ok(())
}

/// Starts a node, asks it for one request, and stops it; what it said.
pub(crate) fn serve(
    control_plane: &str,
    folder: &str,
    token: Option<&str>,
) -> Result<String, Box<dyn Error>> {
    let mut options = Options::new(control_plane, folder);
    options.enroll = token.map(str::parse).transpose()?;
    let node = Node::start_blocking(options)?;
    let orders = node.meter(Some("orders"));
    let said = match orders.check() {
        Ok(()) => "allowed, and counted".to_owned(),
        Err(denial) => denial.to_string(),
    };
    node.stop();
    Ok(said)
}
