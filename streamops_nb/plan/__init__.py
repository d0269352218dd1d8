"""From a specification and its query to a plan.

`planner.Planner` plans a query, `specfile` loads and checks what users write, `explain` says what
a plan will do. Nothing is imported here, so that writing a specification loads no database.
"""
