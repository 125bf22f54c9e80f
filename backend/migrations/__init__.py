"""Changes of the stored data between versions of the app, and who carries them out.

A migration is a module `vNNNN_words.py` whose number is the version that it leads to, with one function
`migrate(data: Data) -> None`. It is found by its name. It must bear being run again where it was interrupted
(`Data.update` does), and may neither rename nor drop a collection: the journal of the backups could not follow.
"""
