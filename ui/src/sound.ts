/** The four sounds. The lights say the same at the same moment. */
export type Sound = "tick" | "card" | "attention" | "done";

interface Note {
  hz: number;
  at: number;
  long: number;
  level: number;
}

const scores: Record<Sound, readonly Note[]> = {
  tick: [{ hz: 1600, at: 0, long: 0.03, level: 0.25 }],
  card: [{ hz: 880, at: 0, long: 0.14, level: 0.8 }],
  attention: [
    { hz: 660, at: 0, long: 0.18, level: 0.9 },
    { hz: 520, at: 0.22, long: 0.26, level: 0.9 },
  ],
  done: [
    { hz: 660, at: 0, long: 0.14, level: 0.8 },
    { hz: 880, at: 0.15, long: 0.14, level: 0.8 },
    { hz: 1320, at: 0.3, long: 0.3, level: 0.7 },
  ],
};

/** Loudness of volume 0..3. */
const gains = [0, 0.08, 0.2, 0.45] as const;

/** Speaker plays sounds once the browser allows it: a kiosk at once, others after the first touch. */
export class Speaker {
  #context: AudioContext | undefined;
  #gain = 0;

  set volume(volume: number) {
    this.#gain = gains[Math.min(Math.max(0, Math.trunc(volume)), 3)] ?? 0;
  }

  play(sound: Sound): void {
    if (this.#gain === 0) return;
    this.#context ??= new AudioContext();
    const context = this.#context;
    if (context.state === "suspended") void context.resume();
    for (const note of scores[sound]) {
      const start = context.currentTime + note.at;
      const oscillator = context.createOscillator();
      const gain = context.createGain();
      oscillator.type = "sine";
      oscillator.frequency.value = note.hz;
      // A soft edge: no click of the speaker at either end.
      gain.gain.setValueAtTime(0, start);
      gain.gain.linearRampToValueAtTime(note.level * this.#gain, start + 0.008);
      gain.gain.exponentialRampToValueAtTime(0.0001, start + note.long);
      oscillator.connect(gain).connect(context.destination);
      oscillator.start(start);
      oscillator.stop(start + note.long + 0.02);
    }
  }
}
