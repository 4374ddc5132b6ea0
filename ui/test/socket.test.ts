import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { fixtures } from "../src/fixtures";
import { Link, socketURL, type Line } from "../src/socket";

/** A WebSocket whose other end is the test. */
class FakeSocket {
  static readonly OPEN = 1;
  static all: FakeSocket[] = [];
  readyState = 0;
  sent: string[] = [];
  onopen: (() => void) | null = null;
  onmessage: ((message: { data: string }) => void) | null = null;
  onclose: (() => void) | null = null;

  constructor(readonly url: string) {
    FakeSocket.all.push(this);
  }

  send(data: string): void {
    this.sent.push(data);
  }

  close(): void {
    this.readyState = 3;
    this.onclose?.();
  }

  accept(snapshot: unknown): void {
    this.readyState = FakeSocket.OPEN;
    this.onopen?.();
    this.onmessage?.({ data: JSON.stringify(snapshot) });
  }
}

const snapshot = (seq: number) => ({ ...fixtures("ja")["top"], seq });
const last = () => {
  const socket = FakeSocket.all.at(-1);
  if (!socket) throw new Error("cannot find a socket");
  return socket;
};

describe("Link", () => {
  let lines: Line[];
  let seqs: number[];
  let link: Link;

  beforeEach(() => {
    vi.useFakeTimers();
    FakeSocket.all = [];
    vi.stubGlobal("WebSocket", FakeSocket);
    lines = [];
    seqs = [];
    link = new Link("ws://kiosk/ws", {
      onLine: (line) => lines.push(line),
      onSnapshot: (snap) => seqs.push(snap.seq),
    });
    link.open();
  });

  afterEach(() => {
    vi.useRealTimers();
    vi.unstubAllGlobals();
  });

  it("sends intents with the seq on screen", () => {
    last().accept(snapshot(41));
    link.send({ type: "key", data: { text: "5" } });
    expect(last().sent).toEqual([JSON.stringify({ type: "key", data: { text: "5" }, seq: 41 })]);
    expect(seqs).toEqual([41]);
  });

  it("stays where it is when the daemon answers that an intent was stale or wrong", () => {
    last().accept(snapshot(41));
    for (const reply of [{ stale: true, seq: 7 }, { error: "bad_message" }]) {
      last().onmessage?.({ data: JSON.stringify(reply) });
    }
    link.send({ type: "next" });
    expect(last().sent).toEqual([JSON.stringify({ type: "next", seq: 41 })]);
    expect(seqs).toEqual([41]);
  });

  it("tells the shopper within a second that the line is lost, and that it is back", () => {
    last().accept(snapshot(1));
    last().close();
    vi.advanceTimersByTime(999);
    expect(lines.at(-1)).toBe("lost");
    last().accept(snapshot(2));
    expect(lines.at(-1)).toBe("up");
  });

  it("says nothing about a short break", () => {
    last().accept(snapshot(1));
    last().close();
    vi.advanceTimersByTime(300);
    last().accept(snapshot(2));
    vi.advanceTimersByTime(5000);
    expect(lines).not.toContain("lost");
  });

  it("drops intents while the line is broken", () => {
    last().accept(snapshot(1));
    last().close();
    link.send({ type: "next" });
    vi.advanceTimersByTime(300);
    last().accept(snapshot(2));
    expect(FakeSocket.all.flatMap((socket) => socket.sent)).toEqual([]);
  });

  it("goes on trying, with growing pauses that stay short", () => {
    for (let i = 0; i < 20; i++) {
      const before = FakeSocket.all.length;
      last().close();
      vi.advanceTimersByTime(3750);
      expect(FakeSocket.all.length).toBe(before + 1);
    }
  });
});

describe("socketURL", () => {
  it("is beside the page", () => {
    expect(socketURL({ href: "http://127.0.0.1:8080/" })).toBe("ws://127.0.0.1:8080/ws");
    expect(socketURL({ href: "https://kiosk/" })).toBe("wss://kiosk/ws");
    expect(socketURL({ href: "http://127.0.0.1:8080/screen/TOKEN/" })).toBe("ws://127.0.0.1:8080/screen/TOKEN/ws");
  });
});
