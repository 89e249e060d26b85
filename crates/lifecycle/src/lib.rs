//! Who should have which account, and why: pure decisions
