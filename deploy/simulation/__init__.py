"""`virtual-window simulate`: scenarios from files, from the database or made up; what is shown."""
