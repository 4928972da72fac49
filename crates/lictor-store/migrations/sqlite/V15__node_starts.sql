-- Which start of a node counts in which of its epochs, so that a copied folder is known.

-- As JSON; no part of the ledger.
ALTER TABLE nodes ADD COLUMN starts TEXT;

PRAGMA user_version = 15;
