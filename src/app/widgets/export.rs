//! What leaves the window: tables as CSV, pictures as PNG.

/// A table that can be taken away.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CsvTable {
    header: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl CsvTable {
    /// An empty table with these columns.
    #[must_use]
    pub fn new<S: Into<String>>(header: impl IntoIterator<Item = S>) -> Self {
        Self { header: header.into_iter().map(Into::into).collect(), rows: Vec::new() }
    }

    /// Adds a row; it has as many fields as the header.
    pub fn push<S: Into<String>>(&mut self, row: impl IntoIterator<Item = S>) {
        self.rows.push(row.into_iter().map(Into::into).collect());
    }

    /// The table with one more row.
    #[must_use]
    pub fn with<S: Into<String>>(mut self, row: impl IntoIterator<Item = S>) -> Self {
        self.push(row);
        self
    }

    /// The table as CSV (RFC 4180, UTF-8, a header line).
    ///
    /// # Errors
    /// A row with more or fewer fields than the header.
    pub fn to_csv(&self) -> Result<Vec<u8>, String> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        for row in std::iter::once(&self.header).chain(&self.rows) {
            writer.write_record(row).map_err(|failure| format!("Cannot write the table: {failure}"))?;
        }
        writer.into_inner().map_err(|failure| format!("Cannot write the table: {failure}"))
    }

    /// The table as tab-separated text, which spreadsheets paste into cells.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        for row in std::iter::once(&self.header).chain(&self.rows) {
            for (column, field) in row.iter().enumerate() {
                if column > 0 {
                    text.push('\t');
                }
                text.extend(field.chars().map(|character| if character.is_whitespace() { ' ' } else { character }));
            }
            text.push('\n');
        }
        text
    }
}

/// A picture as PNG (8-bit RGB, opaque: the window's picture has nothing behind it).
///
/// # Errors
/// A picture without pixels.
pub fn png(picture: &egui::ColorImage) -> Result<Vec<u8>, String> {
    let failed = |failure: png::EncodingError| format!("Cannot make a picture: {failure}");
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, picture.width() as u32, picture.height() as u32);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    let pixels: Vec<u8> = picture.pixels.iter().flat_map(|pixel| [pixel.r(), pixel.g(), pixel.b()]).collect();
    let mut writer = encoder.write_header().map_err(failed)?;
    writer.write_image_data(&pixels).map_err(failed)?;
    writer.finish().map_err(failed)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_quoted_where_they_must_be() {
        let table = CsvTable::new(["name", "value"]).with(["a, \"b\"", "1\n2"]);
        assert_eq!(table.to_csv().unwrap(), b"name,value\n\"a, \"\"b\"\"\",\"1\n2\"\n");
        assert_eq!(table.to_text(), "name\tvalue\na, \"b\"\t1 2\n");
        assert!(CsvTable::new(["one"]).with(["1", "2"]).to_csv().is_err());
    }

    #[test]
    fn pictures_read_back() {
        let picture = egui::ColorImage::filled([3, 2], egui::Color32::from_rgb(1, 2, 3));
        let bytes = png(&picture).unwrap();
        let mut reader = png::Decoder::new(std::io::Cursor::new(bytes)).read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        reader.next_frame(&mut pixels).unwrap();
        assert_eq!(pixels, [1, 2, 3].repeat(6));
    }
}
