-- The life of an e-CPS: how a phone came, its offline code, whom it replaces;
-- where pushes reach it; what the holder signed in to, and that he said "this
-- was not me"; what support has asked and a second person must confirm. Times
-- are milliseconds since 1970.

-- +goose Up
ALTER TABLE devices ADD COLUMN way          TEXT   NOT NULL DEFAULT 'sandbox'; -- card, contact, transfer, sandbox (PG-12)
ALTER TABLE devices ADD COLUMN check_digits TEXT   NOT NULL DEFAULT '';        -- while pending: shown on phone and portal
ALTER TABLE devices ADD COLUMN leaves_at    BIGINT NOT NULL DEFAULT 0;         -- its holder moved to another phone
ALTER TABLE devices ADD COLUMN otp_seed     TEXT   NOT NULL DEFAULT '';        -- sealed by a key outside this database
ALTER TABLE devices ADD COLUMN otp_step     BIGINT NOT NULL DEFAULT 0;         -- last step used: each serves once (RFC 6238 5.2)

ALTER TABLE invitations ADD COLUMN way        TEXT   NOT NULL DEFAULT 'sandbox';
ALTER TABLE invitations ADD COLUMN device     TEXT   NOT NULL DEFAULT ''; -- that was enrolled with it
ALTER TABLE invitations ADD COLUMN key_hash   TEXT   NOT NULL DEFAULT ''; -- transfer: the only device key it admits
ALTER TABLE invitations ADD COLUMN old_device TEXT   NOT NULL DEFAULT ''; -- transfer: the phone that invites
ALTER TABLE invitations ADD COLUMN ends_at    BIGINT NOT NULL DEFAULT 0;  -- transfer: the end date goes over

ALTER TABLE known_browsers ADD COLUMN label TEXT NOT NULL DEFAULT ''; -- what the holder calls this workstation

CREATE TABLE push_subscriptions (
    device     TEXT   NOT NULL PRIMARY KEY,
    endpoint   TEXT   NOT NULL,
    p256dh     TEXT   NOT NULL,
    auth       TEXT   NOT NULL,
    created_at BIGINT NOT NULL,
    reached_at BIGINT NOT NULL -- last push that the service took, 0 if none
);

CREATE TABLE sign_ins (
    id      TEXT   NOT NULL PRIMARY KEY,
    holder  TEXT   NOT NULL,
    at      BIGINT NOT NULL,
    client  TEXT   NOT NULL,
    service TEXT   NOT NULL,
    means   TEXT   NOT NULL,
    asker   TEXT   NOT NULL, -- computer, phone, tablet, unknown
    ref     TEXT   NOT NULL, -- phone or card
    sid     TEXT   NOT NULL,
    state   TEXT   NOT NULL  -- good, contested
);
CREATE INDEX sign_ins_holder ON sign_ins (holder, at);

CREATE TABLE freezes (
    holder    TEXT   NOT NULL PRIMARY KEY,
    at        BIGINT NOT NULL,
    means     TEXT   NOT NULL, -- that must not undo it: the contested one, or the one it was said with
    ref       TEXT   NOT NULL, -- the phone or card it came by
    sign_in   TEXT   NOT NULL
);

CREATE TABLE support_orders (
    id         TEXT   NOT NULL PRIMARY KEY,
    act        TEXT   NOT NULL, -- suspend, resume, revoke
    holder     TEXT   NOT NULL,
    device     TEXT   NOT NULL, -- empty: every phone
    reason     TEXT   NOT NULL,
    asked_by   TEXT   NOT NULL,
    asked_at   BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    done_by    TEXT   NOT NULL  -- the second person, empty while it waits
);

-- +goose Down
DROP TABLE support_orders;
DROP TABLE freezes;
DROP TABLE sign_ins;
DROP TABLE push_subscriptions;
ALTER TABLE known_browsers DROP COLUMN label;
ALTER TABLE invitations DROP COLUMN ends_at;
ALTER TABLE invitations DROP COLUMN old_device;
ALTER TABLE invitations DROP COLUMN key_hash;
ALTER TABLE invitations DROP COLUMN device;
ALTER TABLE invitations DROP COLUMN way;
ALTER TABLE devices DROP COLUMN otp_step;
ALTER TABLE devices DROP COLUMN otp_seed;
ALTER TABLE devices DROP COLUMN leaves_at;
ALTER TABLE devices DROP COLUMN check_digits;
ALTER TABLE devices DROP COLUMN way;
