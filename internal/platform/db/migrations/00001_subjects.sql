-- Who a person is to the services: a random sub that outlives re-imports and
-- the move from ADELI to RPPS (architecture, point 10), and the epoch whose
-- raising ends everything he has open (point 4).

-- +goose Up
CREATE TABLE subjects (
    sub         TEXT   NOT NULL PRIMARY KEY,
    national_id TEXT   NOT NULL UNIQUE,
    epoch       BIGINT NOT NULL,
    created_at  BIGINT NOT NULL -- seconds since 1970
);

-- +goose Down
DROP TABLE subjects;
