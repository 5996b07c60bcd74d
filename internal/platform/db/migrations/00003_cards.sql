-- Cards that have logged in here or that an operator has put in opposition.
-- What a certificate says is not copied beyond what an operator must find
-- (PG-93). Times are milliseconds since 1970.

-- +goose Up
CREATE TABLE cards (
    number     TEXT   NOT NULL PRIMARY KEY, -- as in the certificate: "8025000001/2800000017"
    holder     TEXT   NOT NULL,             -- national identifier, empty if opposed before it was ever seen
    kind       TEXT   NOT NULL,             -- CPS, CPF, CPE, CPA
    ends_at    BIGINT NOT NULL,             -- end of the certificate's validity (S-51), 0 if never seen
    first_seen BIGINT NOT NULL,             -- 0 if never seen
    opposed_at BIGINT NOT NULL,             -- 0 while good
    reason     TEXT   NOT NULL              -- of the opposition: lost, stolen, departure, other
);
CREATE INDEX cards_holder ON cards (holder);

-- +goose Down
DROP TABLE cards;
