-- Phones that carry an e-CPS, the invitations that enrol them, and the browsers
-- a holder has used. No column holds a PIN or anything a PIN alone opens
-- (PG-14). Times are milliseconds since 1970.

-- +goose Up
CREATE TABLE devices (
    id           TEXT     NOT NULL PRIMARY KEY,
    holder       TEXT     NOT NULL, -- national identifier at enrolment; what both keys sign
    device_key   TEXT     NOT NULL, -- P-256 public point
    pin_key      TEXT     NOT NULL, -- Ed25519 public key; its private half exists only while the PIN is typed
    rounds       BIGINT   NOT NULL, -- of PBKDF2, as the phone said
    protection   TEXT     NOT NULL, -- of the device key: software, hardware (PG-16)
    label        TEXT     NOT NULL,
    ratchet      TEXT     NOT NULL, -- hash of the value the next answer must carry
    state        TEXT     NOT NULL, -- active, locked, suspended, revoked
    reason       TEXT     NOT NULL, -- why it is not active
    pin_failures BIGINT   NOT NULL, -- wrong PINs in a row (PG-15)
    wants_typed  SMALLINT NOT NULL, -- 1 after a refusal: the next request wants the digits typed
    enrolled_at  BIGINT   NOT NULL,
    expires_at   BIGINT   NOT NULL, -- S-68
    used_at      BIGINT   NOT NULL
);
CREATE INDEX devices_holder ON devices (holder);

CREATE TABLE invitations (
    code_hash  TEXT   NOT NULL PRIMARY KEY,
    holder     TEXT   NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at    BIGINT NOT NULL -- 0 while unused
);

CREATE TABLE known_browsers (
    browser    TEXT   NOT NULL, -- hash of the cookie
    holder     TEXT   NOT NULL,
    seen_at    BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (browser, holder)
);

-- +goose Down
DROP TABLE known_browsers;
DROP TABLE invitations;
DROP TABLE devices;
