-- Relying services that are registered here and not by a file, and the rights
-- to register (initial access tokens). Times are milliseconds since 1970.

-- +goose Up
CREATE TABLE clients (
    id         TEXT   NOT NULL PRIMARY KEY,
    document   TEXT   NOT NULL,        -- as in a client file, in JSON; empty once taken out: no id is given twice
    version    BIGINT NOT NULL,        -- of this registration, from 1: nobody overwrites what he has not seen
    mark       BIGINT NOT NULL UNIQUE, -- of its last change among all: nodes read what is above the one they know
    token_hash TEXT   NOT NULL,        -- registration access token (RFC 7592), hexadecimal SHA-256; empty: it changes nothing itself
    invited_by TEXT   NOT NULL,        -- initial token it registered with; empty: an operator did
    created_at BIGINT NOT NULL,
    changed_at BIGINT NOT NULL
);

CREATE TABLE initial_tokens (
    id         TEXT   NOT NULL PRIMARY KEY, -- a reference, for people and traces
    hash       TEXT   NOT NULL UNIQUE,      -- hexadecimal SHA-256 of the token
    owner      TEXT   NOT NULL,             -- legal person that may register
    purpose    TEXT   NOT NULL,             -- what for: it becomes the purpose of the registration
    scopes     TEXT   NOT NULL,             -- at most these, separated by spaces
    consent    BIGINT NOT NULL,             -- 1: persons are asked before anything is told
    uses_left  BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    revoked_at BIGINT NOT NULL,             -- 0 while good
    made_by    TEXT   NOT NULL,
    made_at    BIGINT NOT NULL
);

-- +goose Down
DROP TABLE initial_tokens;
DROP TABLE clients;
