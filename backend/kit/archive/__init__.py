"""Archives of a whole MongoDB database, and a journal of what changed since. Knows no learning word."""

from backend.kit.archive.archive import Archive, Progress, archives, content_of, summed, unobserved
from backend.kit.archive.manifest import CollectionFile, Manifest
from backend.kit.archive.stores import FolderStore, S3Store, Store, StoreFailed, open_store
from backend.kit.archive.streams import Damaged

__all__ = [
    "Archive",
    "CollectionFile",
    "Damaged",
    "FolderStore",
    "Manifest",
    "Progress",
    "S3Store",
    "Store",
    "StoreFailed",
    "archives",
    "content_of",
    "open_store",
    "summed",
    "unobserved",
]
