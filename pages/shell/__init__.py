"""The frame around every page: places, session, stores, errors, runs that are watched."""
