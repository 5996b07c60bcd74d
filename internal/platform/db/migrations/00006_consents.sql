-- What persons allowed services outside the sector to be told about them, one
-- row per claim. Times are milliseconds since 1970.

-- +goose Up
CREATE TABLE consents (
    sub      TEXT   NOT NULL, -- subjects.sub
    client   TEXT   NOT NULL,
    claim    TEXT   NOT NULL,
    terms    TEXT   NOT NULL, -- fingerprint of whom and for what: another owner or purpose is another question
    given_at BIGINT NOT NULL,
    PRIMARY KEY (sub, client, claim)
);

-- +goose Down
DROP TABLE consents;
