"""The mailbox: speaks Resend's HTTP API, keeps what it is given and shows it on a page."""
