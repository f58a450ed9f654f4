"""Outside calendars: fetching what an address gives, and reading when it says somebody is busy."""
