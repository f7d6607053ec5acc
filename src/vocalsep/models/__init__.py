"""The architectures, each in a file of its own; `vocalsep.models.architectures` has them by name.

Nothing is re-exported here.
"""
