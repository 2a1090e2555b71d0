#version 300 es
// A rectangle over the whole target. `place` runs from (0, 0) at the first byte of the result to (1, 1) at the last.
in vec2 corner; // (0, 0), (1, 0), (0, 1), (1, 1)
out vec2 place;

void main() {
    place = corner;
    gl_Position = vec4(corner * 2.0 - 1.0, 0.0, 1.0);
}
