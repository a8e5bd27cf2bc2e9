// Makes a picture small enough to send: as it is when it already is, else redrawn on a canvas.

const KINDS = ['image/png', 'image/jpeg', 'image/gif', 'image/webp'];
const ATTEMPTS = [[1600, 0.85], [1600, 0.7], [1200, 0.7], [800, 0.7], [500, 0.6], [300, 0.6]]; // longest side, quality

function redraw(bitmap, side, quality) {
  const scale = Math.min(1, side / Math.max(bitmap.width, bitmap.height));
  const canvas = document.createElement('canvas');
  canvas.width = Math.max(1, Math.round(bitmap.width * scale));
  canvas.height = Math.max(1, Math.round(bitmap.height * scale));
  const paint = canvas.getContext('2d');
  paint.fillStyle = '#fff'; // JPEG knows no transparency
  paint.fillRect(0, 0, canvas.width, canvas.height);
  paint.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  return new Promise((resolve) => {
    canvas.toBlob((blob) => resolve({ blob, width: canvas.width, height: canvas.height }), 'image/jpeg', quality);
  });
}

// Resolves to { data: ArrayBuffer, mime, name, width, height } of at most maxBytes; rejects what is no picture.
export async function preparePicture(file, maxBytes) {
  const bitmap = await createImageBitmap(file).catch(() => { throw new Error('That file is not a picture.'); });
  try {
    let best = { blob: file, width: bitmap.width, height: bitmap.height };
    if (!KINDS.includes(file.type)) best = await redraw(bitmap, ...ATTEMPTS[0]);
    for (const attempt of ATTEMPTS) {
      if (best.blob && best.blob.size <= maxBytes) break;
      best = await redraw(bitmap, ...attempt);
    }
    if (!best.blob || best.blob.size > maxBytes) throw new Error('That picture is too large.');
    return {
      data: await best.blob.arrayBuffer(),
      mime: best.blob.type,
      name: file.name || 'picture',
      width: best.width,
      height: best.height,
    };
  } finally {
    bitmap.close();
  }
}
