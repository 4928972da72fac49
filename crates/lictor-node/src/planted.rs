//! Where faults can be planted on purpose: nothing of it is there without the feature `planted-faults`,
//! and who embeds a node has no crate for it.

#[cfg(feature = "planted-faults")]
mod planting {
    use std::sync::OnceLock;

    type Hooks = (fn(&str) -> bool, fn(&str));

    static HOOKS: OnceLock<Hooks> = OnceLock::new();

    /// From now on `is` says whether a fault is planted, and `point` is called at each named point of a path
    /// that writes. Only the first call has an effect.
    pub fn plant(is: fn(&str) -> bool, point: fn(&str)) {
        // A second one changes nothing.
        let _ = HOOKS.set((is, point));
    }

    pub(crate) fn is(fault: &str) -> bool {
        HOOKS.get().is_some_and(|(is, _)| is(fault))
    }

    pub(crate) fn point(name: &str) {
        if let Some((_, point)) = HOOKS.get() {
            point(name);
        }
    }
}

#[cfg(not(feature = "planted-faults"))]
mod planting {
    pub(crate) const fn is(_fault: &str) -> bool {
        false
    }

    pub(crate) const fn point(_name: &str) {}
}

#[cfg(feature = "planted-faults")]
pub use planting::plant;
pub(crate) use planting::{is, point};
