#version 300 es
// What people see: the picture as it was on one side of a line, enhanced on the other. `after` holds the model's codes, sign bits flipped.
precision highp float;

uniform sampler2D before;  // codes, as pack.frag made them
uniform sampler2D after;   // codes, as the model made them
uniform float line;        // 0 to 1 of the width: left of it the picture as it was
uniform float strength;    // 0: as it was, 1: as the model has it
uniform float halfWidth;   // of the line that is drawn, in parts of the width; 0: none
in vec2 place;
out vec4 colour;

vec3 pixel(sampler2D codes) {
    return mod(floor(texture(codes, place).rgb * 255.0 + 0.5) + 128.0, 256.0) / 255.0;
}

void main() {
    vec3 was = pixel(before);
    vec3 shown = place.x < line ? was : mix(was, pixel(after), strength);
    colour = vec4(abs(place.x - line) < halfWidth ? vec3(1.0) : shown, 1.0);
}
