#version 300 es
// What people see: the picture as it was on one side of a line, enhanced on the other. Both textures hold the model's codes, sign bits flipped.
precision highp float;

uniform sampler2D before;  // codes, as pack.frag made them
uniform sampler2D after;   // codes, as the model made them
uniform mat3 toPicture;    // from (x, y, 1) on the screen, 0 to 1, y up, to the picture: upright, and as the phone is held
uniform float line;        // 0 to 1 of the width: left of it the picture as it was
uniform float strength;    // 0: as it was, 1: as the model has it
uniform float halfWidth;   // of the line that is drawn, in parts of the width; 0: none
in vec2 place;
out vec4 colour;

vec3 pixel(sampler2D codes, ivec2 where) {
    ivec2 inside = clamp(where, ivec2(0), textureSize(codes, 0) - 1);
    return mod(floor(texelFetch(codes, inside, 0).rgb * 255.0 + 0.5) + 128.0, 256.0) / 255.0;
}

// Between four pixels. The sampler cannot do it: codes must not be mixed before their sign bits are flipped back.
vec3 between(sampler2D codes, vec2 where) {
    vec2 at = where * vec2(textureSize(codes, 0)) - 0.5;
    ivec2 low = ivec2(floor(at));
    vec2 part = at - floor(at);
    vec3 top = mix(pixel(codes, low), pixel(codes, low + ivec2(1, 0)), part.x);
    vec3 bottom = mix(pixel(codes, low + ivec2(0, 1)), pixel(codes, low + ivec2(1, 1)), part.x);
    return mix(top, bottom, part.y);
}

void main() {
    vec2 where = (toPicture * vec3(place, 1.0)).xy;
    vec3 was = between(before, where);
    vec3 shown = place.x < line ? was : mix(was, between(after, where), strength);
    colour = vec4(abs(place.x - line) < halfWidth ? vec3(1.0) : shown, 1.0);
}
