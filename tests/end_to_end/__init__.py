"""From landing files to exports through the real commands: stories are played once, tests say what must be true.

`commands` starts the commands and looks at what they left; `story_*` are what happens, each in homes of its own;
`chance` makes adversarial data; `billed` is the oracle's reading of a ledger with closed periods.
"""
