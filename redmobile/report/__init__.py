"""Results as people read them: one page, Markdown, JUnit. From JSON documents alone; nothing here measures or judges anew."""
