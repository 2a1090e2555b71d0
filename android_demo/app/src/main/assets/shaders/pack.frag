#version 300 es
// A camera's frame to the model's input: crop, rotate, scale, RGBA with the sign bit flipped. What glReadPixels gives is the tensor.
//
// CAMERA is defined on a phone: the frame then comes through SurfaceTexture. Without it, for tests, it is a plain texture.
#ifdef CAMERA
#extension GL_OES_EGL_image_external_essl3 : require
#endif
precision highp float;

#ifdef CAMERA
uniform samplerExternalOES frame;
#else
uniform sampler2D frame;
#endif
uniform mat3 toFrame; // from (x, y, 1) in the model's picture, 0 to 1, to the frame: its crop, its rotation, SurfaceTexture's own matrix
in vec2 place;
out vec4 code;

void main() {
    vec3 colour = texture(frame, (toFrame * vec3(place, 1.0)).xy).rgb;
    vec4 pixel = floor(vec4(colour, 1.0) * 255.0 + 0.5);
    code = mod(pixel + 128.0, 256.0) / 255.0; // the byte with its sign bit flipped
}
