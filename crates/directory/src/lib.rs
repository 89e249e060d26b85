//! People from HR, and their accounts in applications
