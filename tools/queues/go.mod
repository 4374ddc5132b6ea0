module kioskd/tools/queues

go 1.26.8

require (
	github.com/mattn/go-sqlite3 v1.14.53
	github.com/mikestefanello/backlite v0.6.0
	maragu.dev/goqite v0.4.0
)

require github.com/google/uuid v1.6.0 // indirect
