//! Who holds which license, and what follows a change: pure decisions
